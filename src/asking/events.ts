import type { AnswerFormat } from '../grammar/answer-format.ts';
import type { Json } from '../grammar/schema.ts';
import type { Picture } from '../image/decoder/load.ts';
import type { Message, Tool } from '../prompt/message.ts';
import type { DecisionReading, Decisions } from './decisions/question.ts';
import type { SamplingOptions } from '../decoder/samplers.ts';

/** What whoever answers is doing, for a spinner or a log. */
export type Stage = 'load' | 'image' | 'encode' | 'prefill' | 'decode';

export type EngineEvent =
  | { kind: 'stage'; stage: Stage; detail?: string }
  | { kind: 'text'; text: string }
  /** Of what is thought before the text, where it is to be shown. */
  | { kind: 'thought'; text: string }
  | { kind: 'answer'; answer: Answer }
  | { kind: 'decided'; decided: Decided };

/** What happens to one of several questions. */
export type QuestionEvent = EngineEvent | { kind: 'failed'; error: unknown };

/** One picture as the model sees it. */
export interface PictureReceipt {
  source: string;
  /** 1-based, where the source holds several. */
  page?: number;
  /** The part of the original that it is, in pixels, where it is not all. */
  crop?: readonly [x: number, y: number, width: number, height: number];
  /** Of the source's bytes. */
  sha256: string;
  /** Pixels before the resize, upright. */
  width: number;
  height: number;
  /** Pixels after the resize. */
  seen: [width: number, height: number];
  /** [IMG] tokens across and down. */
  grid: [columns: number, rows: number];
  /** Ids in the prompt, breaks and end included. */
  tokens: number;
  /** Characters of the words in it that are in the prompt beside it. */
  text?: number;
  /** What of it could not be shown as it is, in whole sentences. */
  warnings?: readonly string[];
}

/** One picture as the model saw it. */
export interface ImageReceipt extends PictureReceipt {
  cached: boolean;
}

/** Milliseconds of each stage. */
export interface Timings {
  load_ms: number;
  image_ms: number;
  encode_ms: number;
  prefill_ms: number;
  decode_ms: number;
}

interface TokenLabel {
  /** Where it is known. */
  id?: number;
  /** As text, or `<0xE6>` for bytes that are only part of a character. */
  token: string;
  /** Where `token` is not the text that it stands for: part of a character, or none for a control token. */
  bytes?: number[];
}

/** A token and its log-probability by the model's own distribution: before grammar, penalties and temperature. */
export interface TokenChoice extends TokenLabel {
  logprob: number;
}

export type TokenLogprob =
  /** With the likeliest tokens at this place. */
  | (TokenChoice & { top: TokenChoice[] })
  /** The grammar left nothing else, and the model was not asked. */
  | (TokenLabel & { forced: true });

/** Another value that the model might have written, as far as it is known. */
export interface Alternative {
  /** What the answer would have had in place of the value, from its first character on. */
  begins: string;
  probability: number;
}

/** As OpenAI's API spells it. */
export interface AnswerCall {
  id: string;
  type: 'function';
  /** `arguments` is JSON, as the model wrote it. */
  function: { name: string; arguments: string };
}

export interface Answer {
  model: string;
  text: string;
  /** The text's value, where JSON was asked for. */
  data?: Json;
  /** What was thought before, where it is to be shown. */
  reasoning?: string;
  /** Tools that the model asks for. */
  tool_calls?: AnswerCall[];
  /**
   * `stop`: the model ended; `length`: the token limit or the context did; `stop-string`: a --stop did; `loop`: it said
   * the same over and over.
   */
  finish: 'stop' | 'length' | 'stop-string' | 'loop';
  /** The --stop that did, where it is known. */
  stopText?: string | undefined;
  /** Why it was asked for a second time; `sampling` is that of the answer. */
  retried?: 'loop' | 'invalid';
  images: ImageReceipt[];
  /** Tokens; `reasoning` are those of `completion` that were thought. */
  usage: { prompt: number; image: number; completion: number; reasoning?: number };
  /** Tokens of the prompt that were not computed again; undefined where nobody says. */
  reused?: number | undefined;
  timings: Timings;
  sampling: {
    temperature: number;
    top_p: number;
    top_k: number;
    min_p: number;
    repeat_penalty: number;
    seed: number;
  };
  /** One per token of the text. */
  logprobs?: TokenLogprob[];
  /** By JSON pointer: the probability of this very value among those that the grammar allows at its place. */
  confidence?: Record<string, number>;
  /** By JSON pointer, the likeliest first, of fields that are not quite sure. */
  alternatives?: Record<string, Alternative[]>;
  /** Where a server has answered. */
  server?: ServerReceipt;
}

/** What was sent to a server, and what it counted. */
export interface ServerReceipt {
  url: string;
  /** `vllm`, `llama-server`, ... */
  kind: string;
  version?: string;
  /** Pictures as they were sent. */
  sent: { width: number; height: number; format: 'png'; bytes: number }[];
  /** [IMG], [IMG_BREAK] and [IMG_END]: as Mistral lays pictures out, and as the server has. */
  picture_tokens: PictureTokens;
  /** Requests that it took. */
  attempts: number;
  /** In whole sentences. */
  warnings?: readonly string[];
}

/**
 * `equal`, `differs`: the server told its count; `possible`: it told the whole prompt's only, which could be right;
 * `not checked`: it told nothing, or its model is not known here.
 */
export interface PictureTokens {
  expected: number;
  counted?: number;
  check: 'equal' | 'differs' | 'possible' | 'not checked';
}

/** What becomes of an answer that says the same over and over. */
export const onLoops = ['stop', 'retry', 'off'] as const;
export type OnLoop = (typeof onLoops)[number];

export interface AskOptions extends SamplingOptions {
  maxTokens: number;
  /** The answer ends before any of these. */
  stop: readonly string[];
  /** What the answer must be; free text without. */
  format?: AnswerFormat | undefined;
  /** Whether the model is told its schema too. */
  tellSchema?: boolean | undefined;
  /** `off` without. */
  onLoop?: OnLoop | undefined;
  /** Likeliest tokens to tell beside each token's log-probability; nothing without. */
  logprobs?: number | undefined;
  /** Whether to tell how sure each field is, and what else it might be. */
  alternatives?: true | undefined;
  /** What becomes of the thoughts of a model that has any; they are hidden without. */
  reasoning?: Reasoning | undefined;
  /** For models that are told how much to think. */
  reasoningEffort?: string | undefined;
  /** Functions that the model may ask for. */
  tools?: readonly Tool[] | undefined;
  /** `auto` without. */
  toolChoice?: ToolChoice | undefined;
}

/** Thoughts are told, kept back, or not to be thought at all. */
export type Reasoning = 'show' | 'hide' | 'off';

/** Whether a tool may, must, or must not be asked for; by name: that one must. */
export type ToolChoice = 'auto' | 'none' | 'required' | { name: string };

export interface Question {
  messages: readonly Message<Picture>[];
  options: AskOptions;
  /** Asked in place of the options' free text: the messages end with the picture, each question's words follow. */
  decisions?: Decisions | undefined;
  /** It is computed as it would be if there were no others, in calls of its own. */
  alone?: boolean | undefined;
  /** Nobody asks about its pictures again: the state of its prompt is not kept on disk. */
  once?: boolean | undefined;
  /** Nobody waits for the answer any more once it fires. */
  cancel?: AbortSignal | undefined;
}

/** Probabilities in place of a text. */
export interface Decided {
  model: string;
  readings: DecisionReading[];
  images: ImageReceipt[];
  /** Tokens; equal beginnings are counted once. */
  usage: { prompt: number; image: number };
  timings: Timings;
  /** Where a server has answered. */
  server?: ServerReceipt;
}
