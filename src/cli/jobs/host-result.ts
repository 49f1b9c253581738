import type { Answer } from '../../asking/events.ts';
import { reasonOf } from '../../base/errors.ts';
import { type Reply, replyWriter } from '../../remote/read-reply.ts';

/** What a host says about one request. */
export type HostResult =
  | { kind: 'answer'; answer: HostAnswer }
  /** `message` on one line. */
  | { kind: 'failed'; message: string };

export interface HostAnswer extends Pick<Answer, 'text' | 'finish'> {
  model: string | undefined;
  promptTokens: number;
  completionTokens: number;
  /** What else the engine said. */
  reply: Pick<Reply, 'calls' | 'thoughts' | 'logprobs' | 'stopText' | 'reasoningTokens'>;
}

type Fields = Readonly<Record<string, unknown>>;

/** The line's custom id; undefined where it is no result at all. */
export function customIdIn(line: unknown): string | undefined {
  const { custom_id: customId, response, error } = fieldsOf(line);
  const isResult = typeof customId === 'string' && (response !== undefined || error !== undefined);
  return isResult ? customId : undefined;
}

/** A line of an output or error file of OpenAI's, Mistral's or vLLM's batch jobs; each puts errors elsewhere. */
export function hostResult(line: unknown): HostResult {
  const { response, error } = fieldsOf(line);
  const { status_code: status, body } = fieldsOf(response);
  const choice: unknown = listOf(fieldsOf(body)['choices'])[0];
  const failure = error ?? fieldsOf(body)['error'];
  if (isGiven(failure) || (typeof status === 'number' && status !== 200) || choice === undefined) {
    const found = messageIn(failure) ?? messageIn(body) ?? 'holds no answer';
    return { kind: 'failed', message: typeof status === 'number' && status !== 200 ? `${status}: ${found}` : found };
  }
  return answerIn(fieldsOf(choice), fieldsOf(body));
}

function answerIn(choice: Fields, body: Fields): HostResult {
  const { content, refusal } = fieldsOf(choice['message']);
  if (isGiven(refusal)) return { kind: 'failed', message: `the model refused: ${oneLine(refusal)}` };
  const reply = replyIn(body);
  if (typeof reply === 'string') return { kind: 'failed', message: reply };
  const text = textOf(content) ?? (reply.calls.length > 0 ? '' : undefined);
  if (text === undefined) {
    return { kind: 'failed', message: `holds no text (finish_reason ${oneLine(choice['finish_reason'] ?? null)})` };
  }
  const { prompt_tokens: prompt, completion_tokens: completion } = fieldsOf(body['usage']);
  return {
    kind: 'answer',
    answer: {
      text,
      finish: reply.stopText === undefined ? reply.finish : 'stop-string', // vLLM says which text it was
      model: typeof body['model'] === 'string' ? body['model'] : undefined,
      promptTokens: countIn(prompt),
      completionTokens: countIn(completion),
      reply,
    },
  };
}

/** As a server's, or what is wrong with it. */
function replyIn(body: Fields): Reply | string {
  try {
    const writer = replyWriter('the answer');
    writer.take(body);
    return writer.whole(false);
  } catch (thrown) {
    return reasonOf(thrown);
  }
}

/** Mistral's may come in parts, thoughts among them. */
function textOf(content: unknown): string | undefined {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return undefined;
  const parts = (content as unknown[]).map(fieldsOf).filter(({ type }) => type !== 'thinking');
  const texts = parts.map(({ text }) => text);
  return texts.every((text) => typeof text === 'string') ? texts.join('') : undefined;
}

/** `{"message": ...}`, as text, within `error`, or as a web framework's `detail`. */
function messageIn(value: unknown, depth = 0): string | undefined {
  if (typeof value === 'string' && value !== '') return oneLine(value);
  if (typeof value !== 'object' || value === null || depth > 3) return undefined;
  const { message, error, detail } = value as Fields;
  const inside = messageIn(message, depth + 1) ?? messageIn(error, depth + 1) ?? messageIn(detail, depth + 1);
  return inside ?? ((message ?? error ?? detail) ? oneLine(message ?? error ?? detail) : undefined);
}

const longestMessage = 500;

function oneLine(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, longestMessage);
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function countIn(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
