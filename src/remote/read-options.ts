import { PixtralError } from '../base/errors.ts';
import { spellings } from '../asking/decisions/spellings.ts';
import type { TokenChoice } from '../asking/events.ts';

export interface OptionsRead {
  /** By option, of the whole vocabulary's. */
  probabilities: number[];
  argmaxIsOption: boolean;
}

interface Reading {
  labels: readonly string[];
  where: string;
  /** The likeliest tokens behind what an answer begins with; nothing at first. */
  next: (begun: string) => Promise<readonly TokenChoice[]>;
  /** Whether the server goes on with an answer that is begun. */
  goesOn: boolean;
}

/** A beginning of an option. */
interface Begun {
  text: string;
  probability: number;
  /** The option that is whole here, and begins another one. */
  option: number | undefined;
}

/** A beginning of a label with a larger share than this may belong to it, or to another word. */
const mostUntold = 0.01;

/**
 * The probability of each option in the likeliest tokens at an answer's beginning; of an option that is several tokens
 * there, token by token, each behind those before it.
 * @throws PixtralError `input` where the server cannot be asked so, and what is left out is too much to be called a
 * probability
 */
export async function readOptions({ labels, where, next, goesOn }: Reading): Promise<OptionsRead> {
  const ways = labels.map(spellings);
  const optionOf = (text: string): number => ways.findIndex((way) => way.has(text));
  // A word that is a token, `no`, is seldom also the first token of a longer one, `not sure`; a number is, and a first word.
  const mayGoOn = (text: string, to: string): boolean =>
    to.length > text.length && to.startsWith(text) && (goesOn || optionOf(text) < 0 || !isWithinWord(to, text.length));
  const longerThan = (text: string): number => ways.findIndex((way) => [...way].some((one) => mayGoOn(text, one)));
  const probabilities = labels.map(() => 0);
  const open: Begun[] = [{ text: '', probability: 1, option: undefined }];
  let argmaxIsOption = false;
  let first: TokenChoice | undefined;
  for (let step = open.shift(); step; step = open.shift()) {
    const top = await next(step.text);
    const likeliest = top.toSorted((one, other) => other.logprob - one.logprob)[0];
    if (step.text === '') first = likeliest;
    else if (likeliest && isAlike(first, likeliest))
      throw untold(labels[longerThan(step.text)]!, { token: step.text, where });
    let others = 0;
    for (const { token, logprob } of top) {
      const text = step.text + token;
      const probability = step.probability * Math.exp(logprob);
      const option = optionOf(text);
      const longer = text.trim() === '' && !goesOn ? -1 : longerThan(text);
      if (token === '' || (option < 0 && longer < 0)) continue; // ends are told as nothing: nothing is written by them
      others += Math.exp(logprob);
      if (step.text === '' && token === likeliest?.token) argmaxIsOption = option >= 0 || goesOn;
      if (longer < 0 || probability <= mostUntold) {
        if (option >= 0) probabilities[option]! += probability;
        continue;
      }
      if (!goesOn) throw untold(labels[longer]!, { token, where, also: labels[option] });
      open.push({ text, probability, option: option < 0 ? undefined : option });
    }
    // An option that also begins another one: whatever does not go on to that.
    if (step.option !== undefined) probabilities[step.option]! += step.probability * Math.max(0, 1 - others);
  }
  return { probabilities, argmaxIsOption };
}

/** What was to go on with an answer has begun anew: it says just what it said at first. */
function isAlike(first: TokenChoice | undefined, now: TokenChoice): boolean {
  return first?.token === now.token && Math.abs(first.logprob - now.logprob) < 1e-3;
}

function isWithinWord(text: string, at: number): boolean {
  return /\p{L}$/u.test(text.slice(0, at)) && /^\p{L}/u.test(text.slice(at));
}

function untold(
  label: string,
  { token, where, also }: { token: string; where: string; also?: string | undefined },
): PixtralError {
  const begins = `beginning with ${JSON.stringify(token)}${also === undefined ? '' : `, which is the option ${JSON.stringify(also)} too`}`;
  return new PixtralError(
    'input',
    `${where}: the option ${JSON.stringify(label)} is more than one token there, ${begins}: its probability cannot be told`,
    { hint: '--labels letters names each option by one token; pixtral serve and this machine read whole words' },
  );
}
