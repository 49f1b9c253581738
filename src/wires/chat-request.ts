import { PixtralError } from '../base/errors.ts';
import type { RecordQuestion } from '../asking/record-hash.ts';
import type { Source } from '../image/sources/sources.ts';
import type { Chunk, Message } from '../prompt/message.ts';
import { type Fields, asRecord, samplingFields, samplingNames, wrong } from './fields.ts';
import { openAiForm } from './openai-form.ts';
import type { FindSources, RequestContext } from './request.ts';

/** Told elsewhere, or without effect on the answer. */
const knownParameters = ['model', 'messages', 'stop', 'user', 'metadata', 'store', 'service_tier'].concat(
  ['response_format', 'structured_outputs', 'logprobs', 'top_logprobs', 'on_loop', 'tell_schema'], // by openAiForm and recordOptions
);
/** Parameters whose only value here is the one that changes nothing. */
const neutralParameters: Record<string, unknown> = {
  n: 1,
  stream: false,
  frequency_penalty: 0,
  presence_penalty: 0,
};

/** The body of a request to OpenAI's `chat/completions`. */
export async function chatRequest(body: Fields, { defaults, sources }: RequestContext): Promise<RecordQuestion> {
  checkParameters(body);
  const { messages, details } = await readMessages(body, sources);
  const options = await openAiForm(body, { ...defaults, options: samplingFields(body, defaults.options) });
  return { messages, options, detail: detailOf(details, { where: body.where, otherwise: defaults.detail }) };
}

/** A parameter that would be passed over in silence is refused by name. */
function checkParameters({ where, record }: Fields): void {
  for (const [name, value] of Object.entries(record)) {
    if (value === null || knownParameters.includes(name) || Object.hasOwn(samplingNames, name)) continue;
    const neutral = Object.hasOwn(neutralParameters, name) ? neutralParameters[name] : undefined;
    if (neutral === undefined) throw new PixtralError('input', `${where}: ${name} is not supported`);
    if (JSON.stringify(value) !== JSON.stringify(neutral))
      throw wrong(`${where}: ${name}`, value, JSON.stringify(neutral));
  }
}

const roles: Record<string, Message<Source>['role']> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  assistant: 'assistant',
};

async function readMessages(
  { where, record }: Fields,
  sources: FindSources,
): Promise<{ messages: Message<Source>[]; details: unknown[] }> {
  const listed = record['messages'];
  if (!Array.isArray(listed) || listed.length === 0) throw wrong(`${where}: messages`, listed, 'a list of messages');
  const messages: Message<Source>[] = [];
  const details: unknown[] = [];
  for (const [index, value] of (listed as unknown[]).entries()) {
    const place = `${where}: messages[${index}]`;
    const { role, content } = asRecord(value, place);
    const known = typeof role === 'string' && Object.hasOwn(roles, role) ? roles[role] : undefined;
    if (!known) throw wrong(`${place}.role`, role, `one of ${Object.keys(roles).join(', ')}`);
    const chunks: Chunk<Source>[] = [];
    for (const part of typeof content === 'string' ? [{ type: 'text', text: content }] : partsOf(content, place)) {
      chunks.push(...(await readPart(part, { where: `${place}.content`, sources, details })));
    }
    messages.push({ role: known, content: chunks });
  }
  return { messages, details };
}

function partsOf(content: unknown, place: string): unknown[] {
  if (Array.isArray(content)) return content;
  throw wrong(`${place}.content`, content, 'a text or a list of parts');
}

async function readPart(
  part: unknown,
  { where, sources, details }: { where: string; sources: FindSources; details: unknown[] },
): Promise<Chunk<Source>[]> {
  const { type, text, image_url: named } = asRecord(part, where);
  if (type === 'text' && typeof text === 'string') return [{ kind: 'text', text }];
  if (type !== 'image_url') throw wrong(where, part, 'a part of type text or image_url');
  const { url, detail } = typeof named === 'string' ? { url: named } : asRecord(named, `${where}: image_url`);
  if (typeof url !== 'string') throw wrong(`${where}: image_url.url`, url, 'a URL');
  details.push(detail);
  return (await sources(url, `${where}: image_url`)).map((image) => ({ kind: 'image', image }));
}

/** One request's pictures are all seen alike here. */
function detailOf(
  details: readonly unknown[],
  { where, otherwise }: { where: string; otherwise: RecordQuestion['detail'] },
): RecordQuestion['detail'] {
  const low = details.filter((detail) => detail === 'low').length;
  if (low === 0) return otherwise;
  if (low === details.length) return 'low';
  throw new PixtralError(
    'input',
    `${where}: ${low} of ${details.length} images ask for detail low, expected all or none`,
  );
}
