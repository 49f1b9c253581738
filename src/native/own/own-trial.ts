import { PixtralError } from '../../base/errors.ts';
import { entryUrl } from '../../base/place.ts';
import { apart, tryBackend, trialOptions } from '../trial.ts';
import type { Products } from './products.ts';
import type { BuildTarget, Speed } from './record.ts';

/** Other compilers add in another order. Rounding inputs to 8 bits alone makes 0.01, a kernel that is wrong 0.2 to 1. */
const tolerance = 0.01;
const milliseconds = 120_000;

interface TrialRun {
  signal: AbortSignal;
  /** Of the environment: where the build under trial is looked for. */
  builds: string;
}

/**
 * Has a build compute in a process of its own, found and loaded as it will be.
 * @returns how fast it is, where that was measured
 * @throws PixtralError `machine` for one that cannot be relied on; the reason of the signal
 */
export async function tryOwnBuild(target: BuildTarget, run: TrialRun): Promise<Speed | undefined> {
  if (target !== 'cpu') {
    const verdict = await tryBackend(target, { ...trialOptions, ...run, milliseconds });
    if (verdict.verdict !== 'works') throw refused(verdict.finding);
    return undefined;
  }
  const after = await products('own', run);
  const before = await products('prebuilt', run);
  requireSame(before, after);
  return { f16: speedOf('f16', { before, after }), q4_k: speedOf('q4_k', { before, after }) };
}

/** @throws PixtralError `machine` when one side computes otherwise than the other */
export function requireSame(before: Products, after: Products): void {
  if (before.exact !== after.exact) throw refused('it rounds f32 to f16 otherwise than the prebuilt library');
  for (const [name, expected] of Object.entries(before.values)) {
    const found = after.values[name] ?? [];
    const difference = found.length === expected.length ? distance(found, expected) : Number.NaN;
    if (!(difference <= tolerance)) {
      throw refused(`${name}: differs from the prebuilt library's by ${difference}, expected ${tolerance} at most`);
    }
  }
}

async function products(side: 'prebuilt' | 'own', { builds, signal }: TrialRun): Promise<Products> {
  const entry = entryUrl('native/own/products-entry');
  const { told, finding } = await apart<Products | 'unloadable'>(side, { entry, milliseconds, signal, builds });
  if (told === 'unloadable') throw refused('it does not load');
  if (told) return told;
  if (side === 'own') throw refused(finding);
  throw new PixtralError('machine', `build: the prebuilt library cannot be measured: ${finding}`);
}

function refused(finding: string): PixtralError {
  return new PixtralError('machine', `build: what was compiled is not used: ${finding}`, {
    hint: 'the library that came with the packages stays in use; CC=clang CXX=clang++ tries another compiler',
  });
}

/** 10^9 operations a second. */
function speedOf(type: keyof Speed, { before, after }: { before: Products; after: Products }): Speed['f16'] {
  const rounded = ({ rates }: Products): number => Math.round(rates[type] / 1e8) / 10;
  return { before: rounded(before), after: rounded(after) };
}

/** Norm of the difference over norm. */
function distance(found: readonly number[], expected: readonly number[]): number {
  let [difference, whole] = [0, 0];
  expected.forEach((value, at) => {
    difference += (found[at]! - value) ** 2;
    whole += value ** 2;
  });
  return Math.sqrt(difference / whole);
}
