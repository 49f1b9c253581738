import { PixtralError } from '../base/errors.ts';
import type { RecordQuestion } from '../asking/record-hash.ts';
import { logprobsRange } from '../asking/sampling-ranges.ts';
import type { AnswerFormat } from '../grammar/answer-format.ts';
import type { Source } from '../image/sources/sources.ts';
import type { Message } from '../prompt/message.ts';
import { pictureChunks, readContent, textPart } from './content-parts.ts';
import {
  type Fields,
  asRecord,
  exactPart,
  numberField,
  optionalText,
  samplingFields,
  samplingNames,
  wrong,
} from './fields.ts';
import type { FormatMemo } from './format-memo.ts';
import { checkStop } from './openai-form.ts';
import { checkParameters } from './parameters.ts';
import { requestDetail } from './request-detail.ts';
import type { FindSources, RequestContext } from './request.ts';
import { responseFormat } from './response-format.ts';
import { roleOf } from './roles.ts';

/** Read here, or without effect on the answer. */
const known = Object.keys(samplingNames).concat(
  ['model', 'input', 'instructions', 'text', 'include', 'top_logprobs', 'stop'],
  ['user', 'metadata', 'service_tier', 'parallel_tool_calls'], // there are no tools to be called
);

/** The body of a request to OpenAI's `responses`: nothing is kept, so a conversation comes with all of its turns. */
export async function responsesRequest(
  body: Fields,
  { defaults, sources, strict }: RequestContext,
): Promise<RecordQuestion> {
  checkParameters(body, { known, strict });
  const details: unknown[] = [];
  const instructions = optionalText(body, 'instructions');
  const messages = await readInput(body, { sources, details });
  if (instructions !== undefined) messages.unshift({ role: 'system', content: [{ kind: 'text', text: instructions }] });
  const options = checkStop(body.where, {
    ...samplingFields(body, defaults.options),
    ...textFormat(body, defaults.formats),
    ...logprobsOf(body),
  });
  return { messages, options, detail: requestDetail(details, { where: body.where, otherwise: defaults.detail }) };
}

async function readInput(
  { where, record }: Fields,
  { sources, details }: { sources: FindSources; details: unknown[] },
): Promise<Message<Source>[]> {
  const { input } = record;
  if (typeof input === 'string') return [{ role: 'user', content: [{ kind: 'text', text: input }] }];
  if (!Array.isArray(input) || input.length === 0)
    throw wrong(`${where}: input`, input, 'a text or a list of messages');
  const messages: Message<Source>[] = [];
  for (const [index, value] of (input as unknown[]).entries()) {
    const place = `${where}: input[${index}]`;
    const { type = 'message', role, content } = asRecord(value, place);
    if (type !== 'message') throw wrong(`${place}: type`, type, '"message"');
    const speaker = roleOf(role, `${place}: role`);
    const chunks = await readContent(content, { where: `${place}: content`, sources, details, parts });
    messages.push({ role: speaker, content: chunks });
  }
  return messages;
}

const parts: Parameters<typeof readContent>[1]['parts'] = {
  input_text: textPart,
  output_text: textPart,
  input_image({ image_url: url, file_id: id, detail }, context) {
    if (id !== undefined && id !== null) throw new PixtralError('input', `${context.where}: file_id is not supported`);
    return pictureChunks(url, { ...context, name: 'image_url', detail });
  },
  /** A PDF, or a picture that is called a file. */
  input_file({ file_data: data, file_url: url }, context) {
    return pictureChunks(data ?? url, { ...context, name: data === undefined ? 'file_url' : 'file_data' });
  },
};

/** `text.format`; the shape is flatter than that of a chat completion's `response_format`. */
function textFormat(body: Fields, formats: FormatMemo): { format?: AnswerFormat | undefined } {
  const { where, record } = body;
  const text = record['text'] ?? undefined;
  if (text === undefined) return {};
  const fields = { where: `${where}: text`, record: asRecord(text, `${where}: text`) };
  checkParameters(fields, { known: ['format'], strict: true });
  const format = fields.record['format'] ?? undefined;
  if (format === undefined) return {};
  const { type, ...schema } = asRecord(format, `${where}: text.format`);
  const nested = type === 'json_schema' ? { type, json_schema: schema } : { type, ...schema };
  const exact = ([, ...path]: readonly string[]) => exactPart(body, ['text', 'format', ...path]);
  return { format: responseFormat(nested, { where: `${where}: text.format`, exact, formats }) };
}

/** They are told where `include` asks for them. */
function logprobsOf({ where, record }: Fields): { logprobs?: number } {
  const include = record['include'] ?? [];
  if (!Array.isArray(include)) throw wrong(`${where}: include`, include, 'a list');
  const top = record['top_logprobs'] ?? 0;
  const logprobs = numberField(top, `${where}: top_logprobs`, logprobsRange);
  return include.includes('message.output_text.logprobs') ? { logprobs } : {};
}
