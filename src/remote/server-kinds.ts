import type { Reasoning } from '../asking/events.ts';
import type { Json } from '../grammar/schema.ts';

export type KindName = 'vllm' | 'sglang' | 'llama-server' | 'mistral' | 'pixtral' | 'openai';

/** Options of a question that servers may lack, by what the command line calls them. */
export type SamplingName = 'temperature' | 'topP' | 'topK' | 'minP' | 'repeatPenalty' | 'seed';

export type Fields = Record<string, unknown>;

/** What a kind of server has, and what it calls it. */
export interface ServerKind {
  /** In messages. */
  title: string;
  /** Fields of the request; what is missing is refused unless it would change nothing. */
  sampling: Readonly<Partial<Record<SamplingName, string>>>;
  /** The value of top_k that turns it off. */
  noTopK: number;
  /** Texts that end the answer. */
  maxStops: number;
  /**
   * Where it neither says that one of them ended an answer nor leaves its log-probabilities whole, they are watched for
   * here while the answer comes: fields that make it count tokens meanwhile. undefined: it is sent them.
   */
  ownStops: Fields | undefined;
  /** The likeliest tokens at each place; undefined: no log-probabilities at all. */
  maxLogprobs: number | undefined;
  /** `allowed`: in an answer of a form, of the tokens that the form allows; `all`: of the whole vocabulary, as here. */
  logprobsOf: 'all' | 'allowed';
  /** How an answer's form is asked for; undefined: it cannot be. `own`: by a grammar that is ours, in GBNF. */
  schema: 'response_format' | 'own';
  grammar: ((grammar: string) => Fields) | undefined;
  choices: ((choices: readonly string[]) => Fields) | undefined;
  /** What becomes of thoughts: fields of the request; undefined: the server decides, and hidden ones are dropped here. */
  reasoning: Readonly<Partial<Record<Reasoning, Fields>>>;
  /** How an earlier answer's thoughts are sent back: a field of its message, or a part of its content. */
  thoughts: 'reasoning_content' | 'reasoning' | 'part' | undefined;
  /** Fields with which it goes on with an answer that is begun, also behind its end; undefined: it begins a new one. */
  goesOn: Fields | undefined;
  /** A stream tells the tokens only when it is asked to. */
  streamUsage: boolean;
  /** More that is asked for, for the receipt. */
  extra: Fields;
}

/** vLLM's words, which pixtral serve takes too. */
const structuredGrammar = (grammar: string): Fields => ({ structured_outputs: { grammar } });
const structuredChoice = (choice: readonly string[]): Fields => ({ structured_outputs: { choice } });

const openAi: ServerKind = {
  title: 'an OpenAI-style server',
  sampling: { temperature: 'temperature', topP: 'top_p', seed: 'seed' },
  noTopK: 0,
  maxStops: 4,
  ownStops: undefined,
  maxLogprobs: 20,
  logprobsOf: 'all',
  schema: 'response_format',
  grammar: undefined,
  choices: undefined,
  reasoning: {},
  thoughts: undefined,
  goesOn: undefined,
  streamUsage: true,
  extra: {},
};

/**
 * Sources: vLLM 0.32 (protocol of chat completions), SGLang (ChatCompletionRequest), llama.cpp's server README, Mistral's
 * and OpenAI's API references, all November 2026; our own server.
 */
export const serverKinds: Readonly<Record<KindName, ServerKind>> = {
  openai: openAi,
  vllm: {
    ...openAi,
    title: 'vLLM',
    sampling: {
      ...openAi.sampling,
      topK: 'top_k',
      minP: 'min_p',
      repeatPenalty: 'repetition_penalty',
    },
    maxStops: Infinity,
    logprobsOf: 'allowed',
    grammar: structuredGrammar,
    choices: structuredChoice,
    thoughts: 'reasoning',
    goesOn: { continue_final_message: true, add_generation_prompt: false, ignore_eos: true },
    extra: { return_token_ids: true },
  },
  sglang: {
    ...openAi,
    title: 'SGLang',
    noTopK: -1,
    sampling: {
      ...openAi.sampling,
      topK: 'top_k',
      minP: 'min_p',
      repeatPenalty: 'repetition_penalty',
    },
    maxStops: Infinity,
    grammar: (ebnf) => ({ ebnf }),
    choices: (choices) => ({ regex: choices.map(escaped).join('|') }),
    thoughts: 'reasoning_content',
  },
  'llama-server': {
    ...openAi,
    title: 'llama-server',
    sampling: { ...openAi.sampling, topK: 'top_k', minP: 'min_p', repeatPenalty: 'repeat_penalty' },
    maxStops: Infinity,
    ownStops: { timings_per_token: true },
    maxLogprobs: 100,
    schema: 'own',
    grammar: (grammar) => ({ grammar }),
    choices: undefined,
    thoughts: 'reasoning_content',
    goesOn: { ignore_eos: true }, // it tells no log-probabilities of the end
  },
  mistral: {
    ...openAi,
    title: "Mistral's API",
    sampling: { temperature: 'temperature', topP: 'top_p', seed: 'random_seed' },
    maxStops: Infinity,
    maxLogprobs: undefined,
    reasoning: { off: { reasoning_effort: 'none' } },
    thoughts: 'part',
    streamUsage: false,
  },
  pixtral: {
    ...openAi,
    title: 'pixtral serve',
    grammar: structuredGrammar,
    choices: structuredChoice,
    sampling: { ...openAi.sampling, topK: 'top_k', minP: 'min_p', repeatPenalty: 'repeat_penalty' },
    maxStops: Infinity,
    maxLogprobs: 100,
    reasoning: { show: { reasoning: 'show' }, hide: { reasoning: 'hide' }, off: { reasoning: 'off' } },
    thoughts: 'reasoning_content',
  },
};

/** A value of JSON in which texts are to be chosen from: what servers without choices of their own are given. */
export function choiceSchema(choices: readonly string[]): Json {
  return {
    type: 'object',
    properties: { choice: { type: 'string', enum: [...choices] } },
    required: ['choice'],
    additionalProperties: false,
  };
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
}
