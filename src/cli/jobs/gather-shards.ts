import { PixtralError } from '../../base/errors.ts';
import { beginsLikeBatchLine, readBatchLine } from '../../wires/batch-line.ts';
import { placeOf } from '../batch/record-lines.ts';
import type { ResultFiles, ResultPlace } from './result-files.ts';

/** The line that counts of one record. */
export interface ShardAnswer {
  hash: string | undefined;
  failed: boolean;
  place: ResultPlace;
}

export interface GatheredShards {
  /** By record, in the order in which they were met. */
  answers: Map<string, ShardAnswer>;
  /** Files whose last line is half written: a node was lost within it. */
  cut: string[];
  /** Where each model that has answered was met first. */
  models: Map<string, string>;
}

/** So many are named. */
const mostModels = 4;

/**
 * Reads what `batch -o` or `decide -o` of several shards has written. Of one file the last line of a record counts, of several
 * files an answer before a failure.
 * @throws PixtralError `input` for a line that is no answer, and for two answers to different questions: nothing says
 * which of them is wanted
 */
export async function gatherShards(
  paths: readonly string[],
  { files, signal }: { files: ResultFiles; signal: AbortSignal },
): Promise<GatheredShards> {
  const gathered: GatheredShards = { answers: new Map(), cut: [], models: new Map() };
  for (const path of paths) {
    const ofFile = new Map<string, ShardAnswer>();
    let number = 0;
    for await (const { bytes, offset, ended } of files.lines(path)) {
      signal.throwIfAborted();
      const where = `${path === '-' ? 'standard input' : path}, line ${++number}`;
      const text = new TextDecoder().decode(bytes);
      const line = readBatchLine(text);
      const model = line?.model;
      if (model !== undefined && !gathered.models.has(model) && gathered.models.size < mostModels)
        gathered.models.set(model, where);
      if (line) ofFile.set(line.id, { ...line, place: { path, ...placeOf({ bytes, offset }, where) } });
      else if (!ended && beginsLikeBatchLine(text)) gathered.cut.push(where);
      else throw foreign(where);
    }
    for (const [id, answer] of ofFile) {
      const before = gathered.answers.get(id);
      gathered.answers.set(id, before ? chosen(id, before, answer) : answer);
    }
  }
  return gathered;
}

/** Whether a line is what a shard has written, whole or not. */
export function isAnswerLine(bytes: Uint8Array): boolean {
  const text = new TextDecoder().decode(bytes);
  return readBatchLine(text) !== undefined || beginsLikeBatchLine(text);
}

function chosen(id: string, before: ShardAnswer, now: ShardAnswer): ShardAnswer {
  if (before.failed || now.failed) return now.failed && !before.failed ? before : now;
  if (before.hash === now.hash) return before;
  throw new PixtralError(
    'input',
    `${before.place.where} and ${now.place.where}: both answer record ${JSON.stringify(id)}, and were asked otherwise, expected parts of one job`,
    { hint: 'leave out the file of the earlier job' },
  );
}

function foreign(where: string): PixtralError {
  return new PixtralError('input', `${where}: is no answer, expected what pixtral batch -o wrote`, {
    hint: 'give the records first, and then the files that each --shard has written',
  });
}
