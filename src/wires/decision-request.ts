import { pictureChunks } from './content-parts.ts';
import { writeExactJson } from '../base/exact-json.ts';
import type { RecordQuestion } from '../asking/record-hash.ts';
import type { Source } from '../image/sources/sources.ts';
import type { Chunk, Message } from '../prompt/message.ts';
import { type Fields, asRecord, exactPart, wrong } from './fields.ts';
import { partText } from './part-text.ts';
import { checkParameters } from './parameters.ts';
import { readQuestions } from './question-json.ts';
import type { FindSources, RequestContext } from './request.ts';
import { requestDetail } from './request-detail.ts';
import { roleOf } from './roles.ts';

/** Told elsewhere, or without effect on the answers. */
const known = ['model', 'input', 'questions', 'prompt_cache_key', 'prompt_cache_options', 'safety_identifier'];

/** The body of a request to OpenAI's Decisions API (the Python client's `types/decision_create_params.py`). */
export async function decisionRequest(
  fields: Fields,
  { defaults: { options, detail: otherwise }, template, sources, strict }: RequestContext,
): Promise<RecordQuestion> {
  const { where, record } = fields;
  checkParameters(fields, { known, strict });
  const questions = readQuestions(record['questions'], `${where}: questions`);
  const { messages, details } = await readInput(fields, sources);
  const detail = requestDetail(details, { where, otherwise });
  return { messages, options, detail, decisions: { questions, orders: 1, labels: 'words', template } };
}

/** A text, or messages of text and images; the questions follow the last one, which is the user's. */
async function readInput(
  fields: Fields,
  sources: FindSources,
): Promise<{ messages: Message<Source>[]; details: unknown[] }> {
  const value = fields.record['input'];
  const where = `${fields.where}: input`;
  const details: unknown[] = [];
  if (typeof value === 'string') {
    return { messages: [{ role: 'user', content: [{ kind: 'text', text: `${value}\n` }] }], details };
  }
  if (!Array.isArray(value) || value.length === 0) throw wrong(where, value, 'a text or a list of messages');
  const messages: Message<Source>[] = [];
  for (const [index, one] of (value as unknown[]).entries()) {
    const data = (part: number): string | undefined => dataText(fields, ['input', index, 'content', part, 'data']);
    messages.push(await readMessage(one, { where: `${where}[${index}]`, sources, details, data }));
  }
  if (messages.at(-1)!.role !== 'user') throw wrong(where, messages.at(-1)!.role, 'a message of the user at the end');
  return { messages, details };
}

interface Reading {
  where: string;
  sources: FindSources;
  /** How closely pictures are to be looked at, as the parts say it. */
  details: unknown[];
  /** JSON of a message's part as it was written. */
  data: (part: number) => string | undefined;
}

function dataText(fields: Fields, path: readonly (string | number)[]): string | undefined {
  const data = exactPart(fields, path);
  return data && writeExactJson(data);
}

async function readMessage(value: unknown, { where, ...reading }: Reading): Promise<Message<Source>> {
  const { type, role, content } = asRecord(value, where);
  if ((type ?? 'message') !== 'message') throw wrong(`${where}: type`, type, '"message": calls of tools are not read');
  const speaker = roleOf(role, `${where}: role`);
  const parts: unknown[] = Array.isArray(content) ? content : [{ type: 'input_text', text: content }];
  const chunks: Chunk<Source>[] = [];
  for (const [at, part] of parts.entries()) {
    chunks.push(...(await readPart(part, { where: `${where}: content`, at, ...reading })));
  }
  return { role: speaker, content: chunks };
}

async function readPart(
  part: unknown,
  { where, at, sources, details, data }: Reading & { at: number },
): Promise<Chunk<Source>[]> {
  const { type, image_url: url, detail } = asRecord(part, where);
  const text = partText(part, where);
  if (text !== undefined) return [{ kind: 'text', text: `${(type === 'input_json' && data(at)) || text}\n` }];
  if (type !== 'input_image') throw wrong(where, part, 'a part of type input_text, input_json or input_image');
  return pictureChunks(url, { name: 'image_url', where, sources, details, detail });
}
