import { PixtralError } from '../base/errors.ts';
import type { AnswerCall, TokenChoice, TokenLogprob } from '../asking/events.ts';
import { asCount, asList, asNumbers, asObject, asText } from './json.ts';
import { ServerFault } from './fault.ts';
import { type CallWriter, callWriter } from './read-calls.ts';
import { messageOf } from './reply-error.ts';

/** What a server said, in whole. */
export interface Reply {
  text: string;
  /** What was thought before, where the server tells it apart. */
  thoughts: string;
  calls: readonly AnswerCall[];
  finish: 'stop' | 'length';
  /** The --stop that ended it, where the server tells. */
  stopText: string | undefined;
  /** Tokens, where the server tells. */
  promptTokens: number | undefined;
  completionTokens: number | undefined;
  /** Of the completion's. */
  reasoningTokens: number | undefined;
  logprobs: TokenLogprob[];
  /** Tokens of an answer with log-probabilities whose own are not told. */
  untoldLogprobs: number;
  /** Where the server tells (vLLM's return_token_ids). */
  promptIds: readonly number[] | undefined;
  /** Of all pictures, where the server tells (pixtral serve). */
  pictureTokens: number | undefined;
}

/** A reply that grows with the parts of a stream, or is made by one. */
export interface ReplyWriter {
  /** Takes a `chat.completion` or one of its chunks; returns what is said in it. */
  take(part: unknown): Said;
  /** Whether the server has said that it ended. */
  isFinished(): boolean;
  /** @throws ServerFault when it was cut short and should not have been */
  whole(mayBeCut: boolean): Reply;
}

export interface Said {
  text: string;
  thought: string;
}

/** @param name the server's */
export function replyWriter(name: string): ReplyWriter {
  const reply: Reply = {
    text: '',
    thoughts: '',
    calls: [],
    finish: 'stop',
    stopText: undefined,
    promptTokens: undefined,
    completionTokens: undefined,
    reasoningTokens: undefined,
    logprobs: [],
    untoldLogprobs: 0,
    promptIds: undefined,
    pictureTokens: undefined,
  };
  const calls: CallWriter = callWriter(name);
  let finishReason: string | undefined;
  let thoughtField: string | undefined;
  return {
    take(part) {
      const fields = asObject(part);
      if (!fields) throw new ServerFault('failed', `${name}: answered with ${shown(part)}, expected a completion`);
      if (fields['error'] !== undefined && fields['error'] !== null) {
        throw new ServerFault('failed', `${name}: failed: ${messageOf(JSON.stringify(fields))}`);
      }
      takeCounts(reply, fields);
      const choice = asObject(asList(fields['choices'])?.[0]);
      if (!choice) return { text: '', thought: '' };
      const message = asObject(choice['message'] ?? choice['delta']) ?? {};
      thoughtField ??= thoughtFields.find((field) => asText(message[field]));
      const said = saidIn(message, thoughtField);
      reply.text += said.text;
      reply.thoughts += said.thought;
      calls.take(asList(message['tool_calls']) ?? []);
      reply.stopText ??= asText(choice['stop_reason']);
      reply.promptIds ??= asNumbers(choice['prompt_token_ids']);
      for (const one of logprobsOf(choice['logprobs'])) reply.logprobs.push(one);
      finishReason ??= asText(choice['finish_reason']);
      return said;
    },
    isFinished: () => finishReason !== undefined,
    whole(mayBeCut) {
      if (finishReason === undefined && !mayBeCut) throw new ServerFault('failed', `${name}: its answer was cut short`);
      const logprobs = withoutEnd(reply.logprobs);
      const untoldLogprobs = untold(reply, logprobs.length < reply.logprobs.length || finishReason !== 'stop');
      const whole = { ...reply, calls: calls.whole(), logprobs, untoldLogprobs };
      if (callReasons.includes(finishReason ?? '') && whole.calls.length === 0) {
        throw new ServerFault('failed', `${name}: says that tools are asked for, and names none`);
      }
      return { ...whole, finish: finishOf(finishReason ?? 'stop', name) };
    },
  };
}

function takeCounts(reply: Reply, fields: Record<string, unknown>): void {
  const usage = asObject(fields['usage']);
  const soFar = countsSoFar(asObject(fields['timings']));
  reply.promptTokens = asCount(usage?.['prompt_tokens']) ?? soFar.prompt ?? reply.promptTokens;
  reply.completionTokens = asCount(usage?.['completion_tokens']) ?? soFar.completion ?? reply.completionTokens;
  const details = asObject(usage?.['completion_tokens_details']);
  reply.reasoningTokens =
    asCount(details?.['reasoning_tokens'] ?? usage?.['reasoning_tokens']) ?? reply.reasoningTokens;
  reply.promptIds ??= asNumbers(fields['prompt_token_ids']);
  const images = asList(asObject(fields['pixtral'])?.['images']);
  reply.pictureTokens ??= images?.reduce<number>((sum, one) => sum + (asCount(asObject(one)?.['tokens']) ?? 0), 0);
}

/** What llama-server counts in each part of a stream (timings_per_token). */
function countsSoFar(timings: Record<string, unknown> | undefined) {
  const [computed, reused] = [asCount(timings?.['prompt_n']), asCount(timings?.['cache_n'])];
  const prompt = computed === undefined || reused === undefined ? undefined : computed + reused;
  return { prompt, completion: asCount(timings?.['predicted_n']) };
}

/** What llama-server, SGLang, pixtral serve and older vLLMs call thoughts, and what vLLM does; some send both, alike. */
const thoughtFields = ['reasoning_content', 'reasoning'];

/** Thoughts stand in a field beside the text, or are parts of the content (Mistral's API). */
function saidIn(message: Record<string, unknown>, thoughtField: string | undefined): Said {
  const { content } = message;
  const beside = (thoughtField !== undefined && asText(message[thoughtField])) || '';
  if (typeof content === 'string') return { text: content, thought: beside };
  const parts = (asList(content) ?? []).map((part) => asObject(part) ?? {});
  const text = parts.map((part) => asText(part['text']) ?? '').join('');
  return { text, thought: beside + parts.map((part) => thoughtOf(part['thinking'])).join('') };
}

function thoughtOf(thinking: unknown): string {
  if (typeof thinking === 'string') return thinking;
  return (asList(thinking) ?? []).map((part) => asText(asObject(part)?.['text']) ?? '').join('');
}

const callReasons = ['tool_calls', 'function_call', 'tool_use'];

function finishOf(reason: string, name: string): Reply['finish'] {
  if (reason === 'stop' || reason === 'eos' || reason === 'stop_sequence' || callReasons.includes(reason))
    return 'stop';
  if (reason === 'length' || reason === 'model_length' || reason === 'max_tokens') return 'length';
  throw new PixtralError(
    'machine',
    `${name}: ended the answer with ${shown(reason)}, expected stop, length or tool_calls`,
  );
}

function logprobsOf(value: unknown): TokenLogprob[] {
  const content = asList(asObject(value)?.['content']) ?? [];
  return content.flatMap((one) => {
    const fields = asObject(one);
    const choice = fields && choiceOf(fields);
    if (!choice) return [];
    const top = (asList(fields['top_logprobs']) ?? []).flatMap((other) => {
      const likely = asObject(other);
      return (likely && choiceOf(likely)) ?? [];
    });
    return [{ ...choice, top }];
  });
}

/** Where the token that ends an answer is not told, it may be counted all the same. */
function untold({ logprobs, completionTokens, reasoningTokens = 0 }: Reply, isEndTold: boolean): number {
  if (logprobs.length === 0 || completionTokens === undefined) return 0;
  return Math.max(0, completionTokens - reasoningTokens - logprobs.length - (isEndTold ? 0 : 1));
}

/** The token that ended the answer is none of its text. */
function withoutEnd(logprobs: readonly TokenLogprob[]): TokenLogprob[] {
  const last = logprobs.at(-1);
  return last && (last.token === '' || last.token === '</s>') ? logprobs.slice(0, -1) : [...logprobs];
}

function choiceOf({ token, bytes, logprob }: Record<string, unknown>): TokenChoice | undefined {
  if (typeof token !== 'string' || typeof logprob !== 'number') return undefined;
  const given = asNumbers(bytes);
  const isText = given === undefined || Buffer.from(token).equals(Buffer.from(given));
  return { token, ...(!isText && { bytes: given }), logprob };
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 60);
}
