import type { Answer } from '../asking/events.ts';
import type { WrittenAnswers } from './decisions.ts';
import { errorJson } from './error-json.ts';
import { askJson } from './json.ts';
import { chatChoice, chatUsage } from './openai-chat.ts';
import { openAiResponse } from './openai-response.ts';

/** Whose format a record came in, and is answered in. */
export type RecordStyle = 'plain' | 'openai' | 'mistral';

export interface BatchLine {
  style: RecordStyle;
  id: string | number;
  /** Whose shape an answer in OpenAI's style has. */
  endpoint?: string | undefined;
  /** Of the question; undefined when it could not be made out. */
  hash: string | undefined;
  /** Hash of an earlier line that this one takes the place of. */
  replaces: string | undefined;
}

/** `shape`: of decisions, ready to be written. */
type Result = { answer: Answer } | { shape: object } | { error: unknown };

/** One line of `pixtral batch`, without its end. */
export function batchLine(line: BatchLine, result: Result): string {
  return JSON.stringify(shapes[line.style](line, result));
}

const shapes: Readonly<Record<RecordStyle, (line: BatchLine, result: Result) => object>> = {
  plain: plainShape,
  openai: openAiShape,
  mistral: mistralShape,
};

/** `ask --json` with an id, or an error; version 1. */
function plainShape({ id, hash, replaces }: BatchLine, result: Result) {
  return {
    version: 1,
    id,
    ...(hash !== undefined && { hash }),
    ...(replaces !== undefined && { replaces }),
    ...fieldsOf(result),
  };
}

function fieldsOf(result: Result): object {
  if ('answer' in result) return askJson(result.answer);
  return 'shape' in result ? result.shape : { error: errorJson(result.error) };
}

const requestId = 'batch_req_';

/** A line of the output file of OpenAI's Batch API. Its request id is ours to choose: the hash. */
function openAiShape({ id, endpoint, hash = '' }: BatchLine, result: Result) {
  if ('error' in result) return { id: requestId + hash, custom_id: id, response: null, error: errorJson(result.error) };
  return {
    id: requestId + hash,
    custom_id: id,
    response: {
      status_code: 200,
      request_id: requestId + hash,
      body: 'shape' in result ? result.shape : answerShape(result.answer, { endpoint, hash }),
    },
    error: null,
  };
}

/** A line of the output file of Mistral's batch jobs, marked by us as OpenAI's is. */
function mistralShape(line: BatchLine, result: Result) {
  const { id, hash = '' } = line;
  if (!('answer' in result)) return openAiShape(line, result);
  const { choices, ...others } = completion(result.answer, hash);
  const message = { role: 'assistant', content: result.answer.text, tool_calls: null, prefix: false };
  const body = {
    ...others,
    choices: choices.map((choice) => ({ index: 0, message, finish_reason: choice.finish_reason })),
  };
  return { id: requestId + hash, custom_id: id, response: { status_code: 200, body }, error: null };
}

function answerShape(answer: Answer, { endpoint, hash }: { endpoint: string | undefined; hash: string }): object {
  if (endpoint !== '/v1/responses') return completion(answer, hash);
  const createdAt = Math.floor(Date.now() / 1000);
  return openAiResponse(
    { id: `resp_${hash}`, messageId: `msg_${hash}`, createdAt, model: answer.model, body: {} },
    answer,
  );
}

/** An object `chat.completion` of OpenAI's API; pictures, timings, sampling and confidence are ours. */
function completion(answer: Answer, hash: string) {
  const { model, images, timings, sampling, confidence, alternatives, server } = answer;
  return {
    id: `chatcmpl-${hash}`,
    object: 'chat.completion',
    created: Math.floor(Date.now() / 1000),
    model,
    choices: [chatChoice(answer, 0)],
    usage: chatUsage([answer]),
    pixtral: {
      images,
      timings,
      sampling,
      ...(confidence && { confidence }),
      ...(alternatives && { alternatives }),
      ...(server && { server }),
    },
  };
}

/** What a line that an earlier run wrote says; undefined when it is none of ours. */
export function readBatchLine(line: string): WrittenLine | undefined {
  let shape: unknown;
  try {
    shape = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof shape !== 'object' || shape === null) return undefined;
  const fields = shape as Record<string, unknown>;
  const { version, id, hash, custom_id: customId, error, text, answers, response } = fields;
  if (isId(customId) && typeof id === 'string' && id.startsWith(requestId)) {
    const line = { id: String(customId), hash: id.slice(requestId.length) || undefined, failed: error !== null };
    const body = (response as { body?: WrittenAnswers & { model?: unknown } } | null | undefined)?.body;
    return { ...line, ...modelOf(body), ...(body?.answers !== undefined && { decided: body }) };
  }
  const failed = error !== undefined;
  if (version !== 1 || !isId(id) || (typeof text !== 'string' && !Array.isArray(answers) && !failed)) return undefined;
  return {
    id: String(id),
    hash: typeof hash === 'string' ? hash : undefined,
    failed,
    ...modelOf(fields),
    ...(Array.isArray(answers) && { decided: { answers } }),
  };
}

function modelOf(body: { model?: unknown } | undefined): { model?: string } {
  return typeof body?.model === 'string' ? { model: body.model } : {};
}

export interface WrittenLine {
  id: string;
  hash: string | undefined;
  failed: boolean;
  /** That has answered. */
  model?: string;
  decided?: WrittenAnswers;
}

function isId(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}

const beginnings = ['{"version":1,"id":', `{"id":"${requestId}`];

/** Whether a line that ends early was going to be one of ours; a crashed disk leaves zeros. */
export function beginsLikeBatchLine(part: string): boolean {
  return /^\0+$/.test(part) || beginnings.some((begin) => part.startsWith(begin) || begin.startsWith(part));
}
