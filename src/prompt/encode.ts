import { PixtralError } from '../base/errors.ts';
import type { Tekken } from '../tokenizer/tekken.ts';
import { layOut } from './lay-out.ts';
import type { Around, Gridded, Message } from './message.ts';

/** Neighbouring ids of text and control tokens, or the ids of one image: [IMG] where a row of embeddings goes. */
export type Run<I> = { kind: 'ids'; ids: number[] } | { kind: 'image'; image: I; ids: number[] };

/** Far more than any context holds; a text of hundreds of megabytes would be cut into tokens for minutes first. */
const maxTextLength = 4 * 2 ** 20;

/**
 * The ids of a conversation, laid out for the tokenizer's version. All runs' ids together are mistral-common's.
 * @param around tools, and what the answer is to be: nothing without
 * @throws PixtralError('input') for a conversation that the version does not have
 */
export function encodePrompt<I extends Gridded>(
  messages: readonly Message<I>[],
  tekken: Tekken,
  around: Around = {},
): Run<I>[] {
  const runs: Run<I>[] = [];
  const append = (ids: readonly number[]): void => {
    const last = runs.at(-1);
    if (last?.kind !== 'ids') {
      if (ids.length > 0) runs.push({ kind: 'ids', ids: [...ids] });
      return;
    }
    for (const id of ids) last.ids.push(id);
  };
  for (const segment of layOut(messages, tekken, around)) {
    switch (segment.kind) {
      case 'control':
        append([tekken.id(segment.name)]);
        break;
      case 'text':
        checkLength(segment.text);
        append(tekken.encode(segment.text));
        break;
      case 'image':
        runs.push({ kind: 'image', image: segment.image, ids: imageIds(segment.image, tekken) });
        break;
    }
  }
  return runs;
}

function checkLength({ length }: string): void {
  if (length <= maxTextLength) return;
  throw new PixtralError('input', `prompt: a text of ${length} characters, expected at most ${maxTextLength}`);
}

/** Each row of [IMG] ends with [IMG_BREAK], the last one with [IMG_END]: (columns + 1) * rows ids. */
function imageIds({ grid }: Gridded, tekken: Tekken): number[] {
  const image = tekken.id('[IMG]');
  const row = [...Array.from({ length: grid.columns }, () => image), tekken.id('[IMG_BREAK]')];
  const ids = Array.from({ length: grid.rows }, () => row).flat();
  ids[ids.length - 1] = tekken.id('[IMG_END]');
  return ids;
}
