import { PixtralError } from '../../base/errors.ts';
import { readLines } from '../../base/lines.ts';
import { textEncoding } from '../../base/text.ts';
import { recordsStdinBytes } from '../io.ts';
import type { BatchEntry, CommonQuestion } from './entry.ts';
import { lineEntry, recordReader } from './record-entries.ts';
import { type Shard, isInShard } from './select.ts';

const name = 'standard input';

/**
 * Records from a pipe as their lines come: nothing is known of the next one when the first is answered. Where two have
 * one id, the second fails.
 */
export async function* arrivingRecords(
  chunks: AsyncIterable<Uint8Array>,
  { common, shard, limit = Infinity }: { common: CommonQuestion; shard?: Shard; limit?: number },
): AsyncGenerator<BatchEntry, void> {
  const reader = recordReader({ name, folder: '' }, common);
  const seen = new Map<string, string>();
  let number = 0;
  let taken = 0;
  if (taken >= limit) return;
  for await (const { bytes } of readLines(shortLines(asUtf8(chunks)))) {
    const entry = lineEntry({ bytes, number: ++number, read: async () => bytes }, reader)?.entry;
    if (!entry || (shard && !isInShard(entry, shard))) continue;
    yield onceOnly(entry, seen);
    if (++taken >= limit) return;
  }
}

function onceOnly(entry: BatchEntry, seen: Map<string, string>): BatchEntry {
  const { id, where } = entry;
  const before = seen.get(String(id));
  if (before === undefined) {
    seen.set(String(id), where);
    return entry;
  }
  const message = `${before} and ${where}: both have the id ${JSON.stringify(id)}, expected each id once`;
  const hint = 'answers are told apart by it: give each record its own id';
  return { ...entry, question: () => Promise.reject(new PixtralError('input', message, { hint })) };
}

/** @throws PixtralError `input` for an encoding that is not read */
async function* asUtf8(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  let decoder: InstanceType<typeof TextDecoder> | undefined;
  let isFirst = true;
  for await (const chunk of chunks) {
    const encoding = isFirst ? textEncoding(chunk.subarray(0, 4096), name) : 'utf-8';
    isFirst = false;
    if (encoding !== 'utf-8') decoder = new TextDecoder(encoding);
    yield decoder ? Buffer.from(decoder.decode(chunk, { stream: true })) : chunk;
  }
}

/** A line without end would fill the memory. */
async function* shortLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  let open = 0;
  for await (const chunk of chunks) {
    const end = chunk.lastIndexOf(0x0a);
    open = end < 0 ? open + chunk.byteLength : chunk.byteLength - end - 1;
    if (open > recordsStdinBytes) {
      throw new PixtralError(
        'input',
        `${name}: has a line of over ${recordsStdinBytes / 2 ** 20} MiB, expected records`,
      );
    }
    yield chunk;
  }
}
