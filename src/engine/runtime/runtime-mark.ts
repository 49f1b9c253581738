import type { Native } from '../../native/native.ts';

/** What results depend on besides weights and options. */
export function runtimeMark({ version, gpu, ownBuild }: Pick<Native, 'version' | 'gpu' | 'ownBuild'>): string {
  return `${version} ${gpu}${ownBuild === undefined ? '' : ` ${ownBuild}`}`;
}
