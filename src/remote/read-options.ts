import { PixtralError } from '../base/errors.ts';
import { spellings } from '../asking/decisions/spellings.ts';
import type { TokenChoice } from '../asking/events.ts';

export interface OptionsRead {
  /** By option, of the whole vocabulary's. */
  probabilities: number[];
  argmaxIsOption: boolean;
}

/** A beginning of a label with a larger share than this may belong to it, or to another word: nobody can tell. */
const mostUntold = 0.01;

/**
 * The probability of each option in the likeliest tokens at an answer's beginning. Only a token that is all of a label
 * counts: of longer ones a server does not show how they go on.
 * @throws PixtralError `input` where that leaves out too much to be called a probability
 */
export function readOptions(
  top: readonly TokenChoice[],
  { labels, where }: { labels: readonly string[]; where: string },
): OptionsRead {
  const ways = labels.map(spellings);
  const optionOf = (token: string): number => ways.findIndex((way) => way.has(token));
  const probabilities = labels.map(() => 0);
  let begins: { token: string; label: string; share: number } | undefined;
  for (const { token, logprob } of top) {
    const share = Math.exp(logprob);
    const option = optionOf(token);
    if (option >= 0) {
      probabilities[option]! += share;
      continue;
    }
    const longer = ways.findIndex((way) => token.trim() !== '' && [...way].some((one) => one.startsWith(token)));
    if (longer >= 0 && share > (begins?.share ?? mostUntold)) begins = { token, label: labels[longer]!, share };
  }
  if (begins) {
    const { token, label } = begins;
    throw new PixtralError(
      'input',
      `${where}: the option ${JSON.stringify(label)} is more than one token there, beginning with ${JSON.stringify(token)}: its probability cannot be told`,
      { hint: '--labels letters names each option by one token; pixtral serve and this machine read whole words' },
    );
  }
  const likeliest = top.reduce<TokenChoice | undefined>(
    (best, one) => (best && best.logprob >= one.logprob ? best : one),
    undefined,
  );
  return { probabilities, argmaxIsOption: likeliest !== undefined && optionOf(likeliest.token) >= 0 };
}
