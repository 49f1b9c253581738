import type { Picture } from '../../image/decoder/load.ts';
import type { Run } from '../../prompt/encode.ts';
import type { PictureKey } from '../pictures/picture-key.ts';

/** What one call of the decoder appends of a prompt: ids, or some of a picture's rows. */
export type PromptStep = {
  /** Equal for equal ids, and for the same part of equal pictures. */
  key: string;
  /** Ids of the prompt up to here. */
  end: number;
} & ({ kind: 'ids'; ids: readonly number[] } | { kind: 'rows'; image: Picture; from: number; to: number });

/**
 * A prompt as the calls that compute it. Where they begin and end depends on the prompt and the batch size alone: how sums
 * are rounded depends on the shape of a call, so whatever was computed before can stand in for whole steps only. One ends
 * with every question: a conversation goes on from there.
 */
export function promptSteps(
  runs: readonly Run<Picture>[],
  {
    batchSize,
    pictureKey,
    questionEnd,
  }: {
    batchSize: number;
    pictureKey: PictureKey;
    /** Id of [/INST]. */
    questionEnd: number;
  },
): PromptStep[] {
  const steps: PromptStep[] = [];
  let end = 0;
  for (const run of runs) {
    for (let from = 0, to = 0; from < run.ids.length; from = to) {
      const turn = run.ids.indexOf(questionEnd, from) + 1;
      to = Math.min(from + batchSize, turn > 0 ? turn : run.ids.length, run.ids.length);
      const ids = run.ids.slice(from, to);
      end += ids.length;
      if (run.kind === 'ids') steps.push({ kind: 'ids', key: ids.join(), end, ids });
      else steps.push({ kind: 'rows', key: `${pictureKey(run.image)} ${from}-${to}`, end, image: run.image, from, to });
    }
  }
  return steps;
}
