import type { Distribution, LogProbability, WholeDistribution } from '../../decoder/log-probabilities.ts';
import type { Field } from '../../grammar/fields.ts';
import type { Tekken } from '../../tokenizer/tekken.ts';
import type { Alternative, TokenChoice, TokenLogprob } from '../../asking/events.ts';

interface Token {
  id: number;
  /** Bytes of the answer before it. */
  at: number;
  byteLength: number;
}

interface Step extends Token {
  logprob: number;
  top: LogProbability[];
  /** The likeliest tokens among those that the grammar allowed, with their share of what it allowed. */
  allowed: LogProbability[];
}

export interface TokenLog {
  /** The model's own distribution of the next step, before grammar, penalties and temperature. */
  step(distribution: WholeDistribution): void;
  /** Which tokens the grammar allows at this step. */
  allowed(mask: Uint32Array): void;
  chosen(id: number): void;
  /** A token that nobody chose: no other was possible. */
  forced(id: number): void;
  logprobs(): TokenLogprob[];
  confidence(fields: readonly Field[], answer: Uint8Array): Record<string, number>;
  /** Of a field: what else might have been written, the likeliest first. */
  alternatives(field: Field, answer: Uint8Array): Alternative[];
}

/** Less likely ones help nobody. */
const leastAlternative = 0.001;
const mostAlternatives = 5;

/** What is left beyond these has hardly any probability. */
const allowedKept = 64;

/** Log-probabilities of an answer's tokens, and how sure its fields are. */
export function tokenLog(
  tekken: Tekken,
  { top, endsText }: { top: number; endsText: (id: number) => boolean },
): TokenLog {
  const tokens: (Step | Token)[] = [];
  let now: WholeDistribution | undefined;
  let allowed: Distribution | undefined;
  let length = 0;
  const choice = ({ id, logprob }: LogProbability): TokenChoice => ({
    id,
    ...labelled(id, tekken),
    logprob: Number(logprob.toFixed(6)),
  });
  return {
    step: (distribution) => {
      now = distribution;
    },
    allowed: (mask) => {
      allowed = now?.among(mask);
    },
    chosen: (id) => {
      if (!now) throw new Error('no logits were given for this step');
      const byteLength = endsText(id) ? 0 : tekken.bytes(id).length;
      tokens.push({ id, at: length, byteLength, logprob: now.of(id), top: now.top(top), allowed: keptOf(allowed, id) });
      length += byteLength;
    },
    forced: (id) => {
      const byteLength = tekken.bytes(id).length;
      tokens.push({ id, at: length, byteLength });
      length += byteLength;
    },
    logprobs: () => tokens.filter(({ id }) => !endsText(id)).map(told),
    confidence: (fields, answer) =>
      Object.fromEntries(fields.map((field) => [field.pointer, fieldConfidence(field, answer)])),
    alternatives,
  };

  function told(token: Step | Token): TokenLogprob {
    if ('logprob' in token) return { ...choice(token), top: token.top.map(choice) };
    return { id: token.id, ...labelled(token.id, tekken), forced: true };
  }

  function keptOf(from: typeof allowed, chosen: number): LogProbability[] {
    if (!from) return [];
    const kept = from.top(allowedKept);
    return kept.some(({ id }) => id === chosen) ? kept : [...kept, { id: chosen, logprob: from.of(chosen) }];
  }

  /**
   * The probability that the model, kept to the grammar, writes this very value after what it wrote before: at each
   * step the share of the allowed tokens that go on with it. Several tokens may write the same characters (`"`, `",`);
   * all of them count, so that it is the value that is judged and not its spelling in tokens.
   */
  function fieldConfidence(field: Field, answer: Uint8Array): number {
    let logarithm = 0;
    for (const step of stepsOf(field)) logarithm += Math.log(shareThatGoesOn(step, { field, answer }));
    return Number(Math.exp(logarithm).toPrecision(6));
  }

  /** Steps that had a say in a field's value; where one token was possible, it went on with it. */
  function stepsOf({ start, end }: Field): Step[] {
    return tokens.filter((step): step is Step => {
      const touches = step.at < end && step.at + step.byteLength > start;
      return 'allowed' in step && (touches || step.at === end);
    });
  }

  function shareThatGoesOn(
    { at, allowed: ids }: Step,
    { field, answer }: { field: Field; answer: Uint8Array },
  ): number {
    let share = 0;
    for (const { id, logprob } of ids) if (goesOn(id, { at, field, answer })) share += Math.exp(logprob);
    return Math.min(1, share);
  }

  /** At each step, what did not go on with the value: by the probability of what came before and of this. */
  function alternatives(field: Field, answer: Uint8Array): Alternative[] {
    const found = new Map<string, number>();
    let before = 1;
    for (const step of stepsOf(field)) {
      for (const { id, logprob } of step.allowed) {
        if (goesOn(id, { at: step.at, field, answer })) continue;
        const begins = otherValue(id, { at: step.at, field, answer });
        if (begins !== undefined) found.set(begins, (found.get(begins) ?? 0) + before * Math.exp(logprob));
      }
      before *= shareThatGoesOn(step, { field, answer });
    }
    return [...found]
      .map(([begins, probability]) => ({ begins, probability: Number(probability.toPrecision(3)) }))
      .filter(({ probability }) => probability >= leastAlternative)
      .toSorted((one, other) => other.probability - one.probability)
      .slice(0, mostAlternatives);
  }

  /** The value with another token in it, up to its end if that is known; undefined where only what is before it differs. */
  function otherValue(
    id: number,
    { at, field, answer }: { at: number; field: Field; answer: Uint8Array },
  ): string | undefined {
    const bytes = Buffer.concat([answer.subarray(0, at), endsText(id) ? new Uint8Array(0) : tekken.bytes(id)]);
    const isSame = bytes.subarray(at, field.start).every((byte, index) => byte === answer[at + index]);
    if (!isSame || bytes.length < field.start) return undefined;
    const text = new TextDecoder().decode(bytes.subarray(field.start));
    return field.pointer === '' ? text : (/^"(?:[^"\\]|\\.)*"|^[^",}\]\s]+/.exec(text)?.[0] ?? text);
  }

  function goesOn(id: number, { at, field, answer }: { at: number; field: Field; answer: Uint8Array }): boolean {
    if (endsText(id)) return at === field.end && field.endsBefore(undefined);
    for (const [index, byte] of tekken.bytes(id).entries()) {
      if (at + index === field.end) return field.endsBefore(byte);
      if (byte !== answer[at + index]) return false;
    }
    return true;
  }
}

function labelled(id: number, tekken: Tekken): Pick<TokenChoice, 'token' | 'bytes'> {
  const token = tekken.label(id);
  const bytes = tekken.bytes(id);
  return Buffer.from(token).equals(bytes) ? { token } : { token, bytes: [...bytes] };
}
