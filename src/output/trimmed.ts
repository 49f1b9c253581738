import { byteSize } from '../base/byte-size.ts';
import { table } from './table.ts';

/** A build of llama.cpp among the installed packages; `needless` is why nobody here needs it. */
interface JudgedBuild {
  name: string;
  folder: string;
  bytes: number;
  needless: string | undefined;
}

/** `trim --json`, version 1. */
export function trimmedJson(builds: readonly JudgedBuild[], { dryRun }: { dryRun: boolean }) {
  return {
    dry_run: dryRun,
    removed_bytes: sumOf(builds.filter(isNeedless)),
    kept_bytes: sumOf(builds.filter((build) => !isNeedless(build))),
    builds: builds.map(({ needless, ...build }) => ({ ...build, removed: needless !== undefined, reason: needless })),
  };
}

export function trimmedText(builds: readonly JudgedBuild[], { dryRun }: { dryRun: boolean }): string {
  const needless = builds.filter(isNeedless);
  const kept = byteSize(sumOf(builds.filter((build) => !isNeedless(build))));
  if (needless.length === 0) return `nothing to remove: ${kept} of llama.cpp are for this machine\n`;
  const rows = builds.map(({ name, bytes, needless: why }) => [name, byteSize(bytes), why ?? 'is kept']);
  const verb = dryRun ? 'would be removed' : 'removed';
  return `${table([['BUILD', 'SIZE', ''], ...rows])}${byteSize(sumOf(needless))} ${verb}, ${kept} kept\n`;
}

function isNeedless({ needless }: JudgedBuild): boolean {
  return needless !== undefined;
}

function sumOf(builds: readonly JudgedBuild[]): number {
  return builds.reduce((sum, { bytes }) => sum + bytes, 0);
}
