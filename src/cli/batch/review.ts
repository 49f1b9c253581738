import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { PixtralError } from '../../base/errors.ts';
import { readExactly, systemError } from '../../base/files.ts';
import { readLines } from '../../base/lines.ts';
import { reviewLine, unsureIn } from '../../wires/review-line.ts';
import type { ServerFlags } from '../server-flags.ts';
import type { ResultFlags } from './results.ts';

export interface ReviewFlags extends Pick<ResultFlags, 'output' | 'outputDir'>, ServerFlags {
  /** Fields that are less sure than this are for a person to check. */
  review?: number;
  reviewTo?: string;
}

/** @throws PixtralError `usage` when one of the flags lacks what it needs */
export function checkReview(flags: ReviewFlags): void {
  const { review, reviewTo } = flags;
  if (review === undefined && reviewTo === undefined) return;
  if (review === undefined || reviewTo === undefined) {
    const [given, other] = review === undefined ? ['--review-to', '--review'] : ['--review', '--review-to'];
    throw new PixtralError('usage', `${given}: expected ${other} too`, {
      hint: '--review 0.9 --review-to review.jsonl',
    });
  }
  if (flags.server !== undefined && flags.server.length > 0) {
    throw new PixtralError(
      'usage',
      '--review and --server: servers do not tell how sure a field is, expected one of them',
    );
  }
  const answers = answersPath(flags);
  if (answers === undefined) {
    throw new PixtralError('usage', '--review: answers on standard output are gone at the end, expected -o too', {
      hint: '-o answers.jsonl --review 0.9 --review-to review.jsonl',
    });
  }
  if (resolve(answers) === resolve(reviewTo)) {
    throw new PixtralError('usage', `--review-to ${reviewTo}: is the file of the answers, expected another`);
  }
}

/** What records are asked for, so that they can be reviewed. */
export function reviewOptions({ review }: ReviewFlags): { alternatives?: true } {
  return review === undefined ? {} : { alternatives: true };
}

/** Where a line stands in the file of answers, and how sure its least certain field is. */
interface Place {
  offset: number;
  byteLength: number;
  least: number;
}

/** Writes the records with unsure fields, the least certain first: those of the whole file, earlier runs' too. */
export async function writeReview(flags: ReviewFlags): Promise<void> {
  const { review, reviewTo } = flags;
  const answers = answersPath(flags);
  if (review === undefined || reviewTo === undefined || answers === undefined) return;
  const places = [...(await unsurePlaces(answers, review)).values()];
  places.sort((one, other) => one.least - other.least || one.offset - other.offset);
  const part = `${reviewTo}.part`;
  const from = await open(answers, 'r');
  try {
    await writeLines(part, { answers, from, places, review });
    await rename(part, reviewTo);
  } catch (cause) {
    await rm(part, { force: true });
    throw cause instanceof PixtralError ? cause : systemError(reviewTo, 'cannot be written', cause);
  } finally {
    await from.close();
  }
}

/** By id: the last line of an id counts. Lines are not kept, only their places. */
async function unsurePlaces(answers: string, review: number): Promise<Map<string, Place>> {
  const places = new Map<string, Place>();
  for await (const { bytes, offset } of readLines(createReadStream(answers))) {
    const { id, fields } = unsureIn(Buffer.from(bytes).toString(), review);
    if (id === undefined) continue;
    const least = Math.min(...fields.map(({ confidence }) => confidence));
    if (fields.length === 0) places.delete(id);
    else places.set(id, { offset, byteLength: bytes.byteLength, least });
  }
  return places;
}

async function writeLines(
  path: string,
  { answers, from, places, review }: { answers: string; from: FileHandle; places: readonly Place[]; review: number },
): Promise<void> {
  const file = await open(path, 'w');
  try {
    for (const { offset, byteLength } of places) {
      const line = await readExactly(from, { path: answers, position: offset, length: byteLength });
      await file.appendFile(`${reviewLine(Buffer.from(line).toString(), review)}\n`);
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

function answersPath({ output, outputDir }: ReviewFlags): string | undefined {
  if (output !== undefined) return output === '-' ? undefined : output;
  return outputDir === undefined ? undefined : join(outputDir, 'batch.jsonl');
}
