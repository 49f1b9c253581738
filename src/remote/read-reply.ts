import { PixtralError } from '../base/errors.ts';
import type { TokenChoice, TokenLogprob } from '../asking/events.ts';
import { asCount, asList, asNumbers, asObject, asText } from './json.ts';
import { ServerFault } from './fault.ts';
import { messageOf } from './reply-error.ts';

/** What a server said, in whole. */
export interface Reply {
  text: string;
  finish: 'stop' | 'length';
  /** The --stop that ended it, where the server tells. */
  stopText: string | undefined;
  /** Tokens, where the server tells. */
  promptTokens: number | undefined;
  completionTokens: number | undefined;
  logprobs: TokenLogprob[];
  /** Where the server tells (vLLM's return_token_ids). */
  promptIds: readonly number[] | undefined;
  /** Of all pictures, where the server tells (pixtral serve). */
  pictureTokens: number | undefined;
}

/** A reply that grows with the parts of a stream, or is made by one. */
export interface ReplyWriter {
  /** Takes a `chat.completion` or one of its chunks; returns the text in it. */
  take(part: unknown): string;
  /** Whether the server has said that it ended. */
  isFinished(): boolean;
  /** @throws ServerFault when it was cut short and should not have been */
  whole(mayBeCut: boolean): Reply;
}

/** @param name the server's */
export function replyWriter(name: string): ReplyWriter {
  const reply: Reply = {
    text: '',
    finish: 'stop',
    stopText: undefined,
    promptTokens: undefined,
    completionTokens: undefined,
    logprobs: [],
    promptIds: undefined,
    pictureTokens: undefined,
  };
  let finishReason: string | undefined;
  return {
    take(part) {
      const fields = asObject(part);
      if (!fields) throw new ServerFault('failed', `${name}: answered with ${shown(part)}, expected a completion`);
      if (fields['error'] !== undefined && fields['error'] !== null) {
        throw new ServerFault('failed', `${name}: failed: ${messageOf(JSON.stringify(fields))}`);
      }
      takeCounts(reply, fields);
      const choice = asObject(asList(fields['choices'])?.[0]);
      if (!choice) return '';
      const text = contentOf(asObject(choice['message'] ?? choice['delta'])?.['content']);
      reply.text += text;
      reply.stopText ??= asText(choice['stop_reason']);
      reply.promptIds ??= asNumbers(choice['prompt_token_ids']);
      for (const one of logprobsOf(choice['logprobs'])) reply.logprobs.push(one);
      finishReason ??= asText(choice['finish_reason']);
      return text;
    },
    isFinished: () => finishReason !== undefined,
    whole(mayBeCut) {
      if (finishReason === undefined && !mayBeCut) throw new ServerFault('failed', `${name}: its answer was cut short`);
      return { ...reply, logprobs: withoutEnd(reply.logprobs), finish: finishOf(finishReason ?? 'stop', name) };
    },
  };
}

function takeCounts(reply: Reply, fields: Record<string, unknown>): void {
  const usage = asObject(fields['usage']);
  reply.promptTokens = asCount(usage?.['prompt_tokens']) ?? reply.promptTokens;
  reply.completionTokens = asCount(usage?.['completion_tokens']) ?? reply.completionTokens;
  reply.promptIds ??= asNumbers(fields['prompt_token_ids']);
  const images = asList(asObject(fields['pixtral'])?.['images']);
  reply.pictureTokens ??= images?.reduce<number>((sum, one) => sum + (asCount(asObject(one)?.['tokens']) ?? 0), 0);
}

/** Text, or a list of parts of which the texts are the answer (Mistral's models that think first). */
function contentOf(content: unknown): string {
  if (typeof content === 'string') return content;
  const parts = asList(content) ?? [];
  return parts.map((part) => asText(asObject(part)?.['text']) ?? '').join('');
}

function finishOf(reason: string, name: string): Reply['finish'] {
  if (reason === 'stop' || reason === 'eos' || reason === 'stop_sequence') return 'stop';
  if (reason === 'length' || reason === 'model_length' || reason === 'max_tokens') return 'length';
  throw new PixtralError('machine', `${name}: ended the answer with ${shown(reason)}, expected stop or length`);
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
