import { PixtralError, reasonOf } from '../../base/errors.ts';
import { readLines } from '../../base/lines.ts';
import { parseExactJson } from '../../base/exact-json.ts';
import { parseShallow } from '../../base/nesting.ts';
import type { RecordTask } from '../../asking/answer-records.ts';
import { batchRequest } from '../../wires/batch-request.ts';
import type { Endpoint } from '../../wires/endpoints.ts';
import { type Fields, asRecord } from '../../wires/fields.ts';
import type { RequestContext } from '../../wires/request.ts';
import type { LineError } from './batch-state.ts';

/** One request of a batch, read again when its turn comes. */
export interface BatchLineTask extends RecordTask {
  id: string;
}

/** So many wrong lines are told of. */
const mostErrors = 100;

/** All requests of an input file, or what is wrong with it: one line that is no request fails the batch before it begins. */
export async function batchLines(
  bytes: Uint8Array,
  { endpoint, context }: { endpoint: Endpoint; context: RequestContext },
): Promise<{ tasks: BatchLineTask[]; errors: LineError[] }> {
  const tasks: BatchLineTask[] = [];
  const errors: LineError[] = [];
  const seen = new Set<string>();
  let line = 0;
  const wrong = (code: string, message: string): void => void errors.push({ code, message, line, param: null });
  for await (const { bytes: text } of readLines([bytes])) {
    line++;
    if (errors.length >= mostErrors) break;
    if (text.byteLength < 1000 && Buffer.from(text).toString().trim() === '') continue;
    const where = `line ${line}`;
    try {
      const { custom_id: id, url, method } = readLine(text, where).record;
      if (typeof id !== 'string' || id === '') wrong('missing_required_parameter', `${where}: has no custom_id`);
      else if (seen.has(id)) wrong('duplicate_custom_id', `${where}: custom_id ${JSON.stringify(id)} is there twice`);
      else if (url !== endpoint) wrong('mismatched_url', `${where}: url is no ${endpoint}, as the batch says`);
      else if (method !== 'POST') wrong('invalid_method', `${where}: method is no POST`);
      else {
        seen.add(id);
        tasks.push({ id, question: async () => batchRequest(readLine(text, where), context) });
      }
    } catch (thrown) {
      wrong('invalid_json_line', reasonOf(thrown));
    }
  }
  if (line === 0 || tasks.length + errors.length === 0) wrong('empty_file', 'the input file holds no requests');
  return { tasks, errors };
}

function readLine(bytes: Uint8Array, where: string): Fields {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes); // without a mark at its beginning
    return { where, record: asRecord(parseShallow(text), where), exact: () => parseExactJson(text) };
  } catch (cause) {
    if (cause instanceof PixtralError) throw cause;
    throw new PixtralError('input', `${where}: is no JSON: ${reasonOf(cause)}`, { cause });
  }
}
