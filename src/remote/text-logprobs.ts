import type { TokenLogprob } from '../asking/events.ts';
import type { Reply } from './read-reply.ts';

/**
 * The log-probabilities of an answer's text, the token that ended it at a stop text included: servers tell those of
 * thoughts before it too, and some go on behind the stop.
 * @param ownStop the stop text that was found here, behind the text
 * @returns undefined where the text is not found among the tokens
 */
export function textLogprobs(
  { thoughts, text, logprobs, stopText }: Pick<Reply, 'thoughts' | 'text' | 'logprobs' | 'stopText'>,
  ownStop: string | undefined,
): TokenLogprob[] | undefined {
  if (logprobs.length === 0 || (thoughts === '' && ownStop === undefined)) return logprobs;
  const tokens = logprobs.map(bytesOf);
  const all = Buffer.concat(tokens);
  const stopped = text + (ownStop ?? stopText ?? '');
  const from = thoughts === '' ? 0 : lastPlace(all, [stopped, text]);
  if (from === undefined) return undefined;
  const to = ownStop === undefined ? all.length : from + Buffer.byteLength(stopped);
  let start = 0;
  return logprobs.filter((_, index) => {
    const begins = start;
    start += tokens[index]!.length;
    return start > from && begins < to;
  });
}

function lastPlace(all: Buffer, texts: readonly string[]): number | undefined {
  return texts.map((text) => all.lastIndexOf(text)).find((place) => place >= 0);
}

function bytesOf({ token, bytes }: TokenLogprob): Buffer {
  return bytes ? Buffer.from(bytes) : Buffer.from(token);
}
