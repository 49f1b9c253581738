import type { RecordQuestion } from '../asking/record-hash.ts';
import type { Source } from '../image/sources/sources.ts';
import type { Chunk, Message } from '../prompt/message.ts';
import { type Fields, asRecord, wrong } from './fields.ts';
import { readQuestions } from './question-json.ts';
import type { FindSources, RequestContext } from './request.ts';
import { roleOf } from './roles.ts';

/** The body of a request to OpenAI's Decisions API (the Python client's `types/decision_create_params.py`). */
export async function decisionRequest(
  { where, record }: Fields,
  { defaults: { options, detail }, template, sources }: RequestContext,
): Promise<RecordQuestion> {
  const questions = readQuestions(record['questions'], `${where}: questions`);
  const messages = await readInput({ value: record['input'], where: `${where}: input` }, sources);
  return { messages, options, detail, decisions: { questions, orders: 1, labels: 'words', template } };
}

/** A text, or messages of text and images; the questions follow the last one, which is the user's. */
async function readInput(
  { value, where }: { value: unknown; where: string },
  sources: FindSources,
): Promise<Message<Source>[]> {
  if (typeof value === 'string') return [{ role: 'user', content: [{ kind: 'text', text: `${value}\n` }] }];
  if (!Array.isArray(value) || value.length === 0) throw wrong(where, value, 'a text or a list of messages');
  const messages: Message<Source>[] = [];
  for (const [index, one] of (value as unknown[]).entries()) {
    const place = `${where}[${index}]`;
    const { role, content } = asRecord(one, place);
    const known = roleOf(role, `${place}: role`);
    const parts: unknown[] = Array.isArray(content) ? content : [{ type: 'input_text', text: content }];
    const chunks: Chunk<Source>[] = [];
    for (const part of parts) chunks.push(...(await readPart(part, { where: `${place}: content`, sources })));
    messages.push({ role: known, content: chunks });
  }
  if (messages.at(-1)!.role !== 'user') throw wrong(where, messages.at(-1)!.role, 'a message of the user at the end');
  return messages;
}

async function readPart(
  part: unknown,
  { where, sources }: { where: string; sources: FindSources },
): Promise<Chunk<Source>[]> {
  const { type, text, image_url: url } = asRecord(part, where);
  if ((type === 'input_text' || type === 'output_text' || type === 'text') && typeof text === 'string') {
    return [{ kind: 'text', text: `${text}\n` }];
  }
  if (type !== 'input_image') throw wrong(where, part, 'a part of type input_text or input_image');
  if (typeof url !== 'string') throw wrong(`${where}: image_url`, url, 'a URL');
  return (await sources(url, `${where}: image_url`)).map((image) => ({ kind: 'image', image }));
}
