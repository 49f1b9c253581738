import { PixtralError } from '../../base/errors.ts';
import type { RecordQuestion } from '../../asking/record-hash.ts';
import { listedSources } from '../../image/sources/expand.ts';
import type { Source } from '../../image/sources/sources.ts';
import type { Chunk, Message } from '../../prompt/message.ts';
import { decisionRequest } from '../decide/decision-request.ts';
import type { CommonQuestion } from './entry.ts';
import type { RecordLine } from './record-fields.ts';
import { type Fields, asRecord, recordOptions, samplingNames, wrong } from './record-fields.ts';
import { openAiForm } from './record-form.ts';

const endpoints = { chat: '/v1/chat/completions', decisions: '/v1/decisions' } as const;

/** Told elsewhere, or without effect on the answer. */
const knownParameters = ['model', 'messages', 'stop', 'user', 'metadata', 'store', 'service_tier'].concat(
  ['response_format', 'logprobs', 'top_logprobs'], // read by openAiForm
);
/** Parameters whose only value here is the one that changes nothing. */
const neutralParameters: Record<string, unknown> = {
  n: 1,
  stream: false,
  frequency_penalty: 0,
  presence_penalty: 0,
};

/** A line of the input file of OpenAI's Batch API: everything it asks is in its body. */
export async function openAiQuestion(line: RecordLine, common: CommonQuestion): Promise<RecordQuestion> {
  const { record, where, folder } = line;
  const { url } = record;
  if (url !== endpoints.chat && url !== endpoints.decisions) {
    throw wrong(
      `${where}: url`,
      url,
      Object.values(endpoints)
        .map((one) => JSON.stringify(one))
        .join(' or '),
    );
  }
  if ((record['method'] ?? 'POST') !== 'POST') throw wrong(`${where}: method`, record['method'], '"POST"');
  const body = { where: `${where}: body`, record: asRecord(record['body'], `${where}: body`) };
  if (url === endpoints.decisions) {
    const sources = (address: string, place: string) => listedSources(address, { folder, where: place });
    return decisionRequest(body, { common, template: common.decisions?.template, sources });
  }
  checkParameters(body);
  const { messages, details } = await readMessages(body, folder);
  const options = await openAiForm(body, { ...common, options: recordOptions(body, common.options) });
  return { messages, options, detail: detailOf(details, { where, common }) };
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
  folder: string,
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
      chunks.push(...(await readPart(part, { where: `${place}.content`, folder, details })));
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
  { where, folder, details }: { where: string; folder: string; details: unknown[] },
): Promise<Chunk<Source>[]> {
  const { type, text, image_url: image } = asRecord(part, where);
  if (type === 'text' && typeof text === 'string') return [{ kind: 'text', text }];
  if (type !== 'image_url') throw wrong(where, part, 'a part of type text or image_url');
  const { url, detail } = typeof image === 'string' ? { url: image } : asRecord(image, `${where}: image_url`);
  if (typeof url !== 'string') throw wrong(`${where}: image_url.url`, url, 'a URL');
  details.push(detail);
  return (await listedSources(url, { folder, where })).map((source) => ({ kind: 'image', image: source }));
}

/** One request's pictures are all seen alike here. */
function detailOf(
  details: readonly unknown[],
  { where, common }: { where: string; common: CommonQuestion },
): CommonQuestion['detail'] {
  const low = details.filter((detail) => detail === 'low').length;
  if (low === 0) return common.detail;
  if (low === details.length) return 'low';
  throw new PixtralError(
    'input',
    `${where}: ${low} of ${details.length} images ask for detail low, expected all or none`,
  );
}
