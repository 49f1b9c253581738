import { readFile } from 'node:fs/promises';
import { buildsFolder } from '../../base/builds-folder.ts';
import { PixtralError } from '../../base/errors.ts';
import type { Native } from '../native.ts';
import { type OwnBuild, ownBuilds } from './record.ts';
import { type Toolchain, findToolchain, thisMachine } from './toolchain.ts';
import { unfitness } from './usable.ts';

/** Whether `pixtral build` would pay. */
export type BuildAdvice =
  | { kind: 'in-use'; build: OwnBuild }
  | { kind: 'unfit'; build: OwnBuild; reason: string }
  /** Compilers' versions: of the prebuilt library, and what is here. */
  | { kind: 'may-pay' | 'would-hardly-pay'; prebuilt: string; here: string }
  | { kind: 'cannot'; reason: string };

/** What is known without compiling: what a build is worth is measured when it is made. */
export async function buildAdvice({ ownBuild, libraries }: Native): Promise<BuildAdvice> {
  const builds = await ownBuilds(buildsFolder(process.env)).catch(() => []);
  const inUse = builds.find(({ name }) => ownBuild?.startsWith(`${name} `) === true);
  if (inUse) return { kind: 'in-use', build: inUse };
  const newest = builds.find(({ record }) => record.target === 'cpu');
  if (newest) return { kind: 'unfit', build: newest, reason: (await unfitness(newest)) ?? 'it does not load' };
  const { ggmlCpu } = libraries;
  if (ggmlCpu === undefined) return { kind: 'cannot', reason: 'the runtime has no arithmetic in a library of its own' };
  try {
    return advised(gccIn(await readFile(ggmlCpu)), await findToolchain('cpu', thisMachine));
  } catch (thrown) {
    if (thrown instanceof PixtralError) return { kind: 'cannot', reason: thrown.message };
    throw thrown;
  }
}

/** A newer GCC has made faster code of ggml's loops; of other compilers nothing was measured. */
export function advised(prebuilt: string | undefined, { compiler }: Pick<Toolchain, 'compiler'>): BuildAdvice {
  const here = /\b\d+\.\d+(\.\d+)?/.exec(compiler.split(', ')[0]!)?.[0] ?? '0';
  const isOlder = prebuilt !== undefined && !/clang/i.test(compiler) && parseInt(here, 10) <= parseInt(prebuilt, 10);
  const made = prebuilt === undefined ? 'an unknown compiler' : `GCC ${prebuilt}`;
  return { kind: isOlder ? 'would-hardly-pay' : 'may-pay', prebuilt: made, here: compiler };
}

/** The version that GCC leaves in what it makes: `GCC: (Ubuntu 11.4.0-1ubuntu1) 11.4.0`. */
function gccIn(library: Buffer): string | undefined {
  const at = library.lastIndexOf('GCC: (');
  if (at < 0) return undefined;
  return /^GCC: \([^)]*\) (\d+\.\d+\.\d+)/.exec(library.toString('latin1', at, at + 200))?.[1];
}
