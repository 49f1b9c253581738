import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import { PixtralError } from '../base/errors.ts';
import { parseExactJson } from '../base/exact-json.ts';
import { isTooDeep, maxNesting } from '../base/nesting.ts';
import type { AskQueue } from '../asking/ask-queue.ts';
import type { Answer, Decided, Question, QuestionEvent } from '../asking/events.ts';
import { loadQuestion, settledQuestion } from '../asking/load-question.ts';
import type { RecordQuestion } from '../asking/record-hash.ts';
import type { Engine } from '../engine/engine.ts';
import type { PictureOptions } from '../asking/pictures/picture-chunks.ts';
import { type Source, schemeSource } from '../image/sources/sources.ts';
import { type Fields, asRecord } from '../wires/fields.ts';
import type { RequestContext, RequestDefaults } from '../wires/request.ts';
import type { Batches } from './batches/batches.ts';
import { RequestError } from './error-body.ts';
import type { Metrics } from './metrics.ts';

/** What every route has. */
export interface ServeContext {
  engine: Engine;
  queue: AskQueue;
  /** What requests leave open. */
  defaults: RequestDefaults;
  pictures: Omit<PictureOptions, 'image' | 'detail'>;
  metrics: Metrics;
  /** Seconds since 1970. */
  started: number;
  /** undefined: another server has their folder. */
  batches: Batches | undefined;
}

export type Request = Context<{ Bindings: HttpBindings }>;

/** One line of the registry: what is asked how, and what answers it. */
export interface Route {
  method: 'get' | 'post' | 'delete';
  path: string;
  /** It costs a place in the house: more than may be in it are told to come back. */
  asks?: true;
  /** It tells nothing of anyone, and wants no key: a load balancer has none, and a page must be there to be given one. */
  open?: true;
  /** Where bodies may be longer than elsewhere. */
  bodyBytes?: number;
  answer: (c: Request, context: ServeContext) => Response | Promise<Response>;
}

/** A request's body. @throws PixtralError `input` */
export async function readBody({ req }: { req: { arrayBuffer(): Promise<ArrayBuffer> } }): Promise<Fields> {
  const text = utf8Of(await req.arrayBuffer());
  if (isTooDeep(text)) throw new PixtralError('input', `body: is nested more than ${maxNesting} levels deep`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new PixtralError('input', 'body: is no JSON', { cause });
  }
  return { where: 'body', record: asRecord(value, 'body'), exact: () => parseExactJson(text) };
}

function utf8Of(bytes: ArrayBuffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes); // without a mark at its beginning
  } catch (cause) {
    throw new PixtralError('input', 'body: is not UTF-8', { cause });
  }
}

export function requestContext({ defaults }: Pick<ServeContext, 'defaults'>): RequestContext {
  return { defaults, template: undefined, sources: sentSource, strict: false };
}

/** A client may name what it brings or what anyone can fetch, never a file of this machine. */
function sentSource(url: string, where: string): Source[] {
  const source = /^(data:|https?:\/\/)/i.test(url) ? schemeSource(url) : undefined;
  if (source) return [source];
  throw new PixtralError('input', `${where}: is no data: URI and no http(s) URL, expected one of them`);
}

/** @throws RequestError when another server has their folder */
export function batchesOf({ batches }: ServeContext): Batches {
  if (batches) return batches;
  throw new RequestError(503, 'files and batches: another server works in their folder, see --data');
}

/** Fires when nobody waits for the answer any more. */
export function whenGone(c: Request): AbortController {
  const gone = new AbortController();
  onceClosed(c, () => gone.abort(new Error('the client went away')));
  return gone;
}

/** When the answer is out, or its client has gone: perhaps while its body was read. */
export function onceClosed({ env: { outgoing } }: Request, then: () => void): void {
  if (outgoing.destroyed) then();
  else outgoing.once('close', then);
}

/** Reads the pictures of a question, which is then ready to be asked. */
export async function readQuestion(
  question: RecordQuestion,
  { context, cancel }: { context: Pick<ServeContext, 'engine' | 'pictures'>; cancel: AbortSignal },
): Promise<Question> {
  const { engine, pictures } = context;
  const settled = settledQuestion(question, engine);
  return { ...(await loadQuestion(settled, { answerer: engine, pictures, signal: cancel })), cancel };
}

type OnWords = (words: string) => Promise<void>;

/** The whole answer, with its words on the way. */
export async function answerOf(
  events: AsyncIterable<QuestionEvent>,
  { metrics, onText, onThought }: { metrics: Metrics; onText?: OnWords; onThought?: OnWords },
): Promise<Answer> {
  for await (const event of events) {
    if (event.kind === 'thought') await onThought?.(event.text);
    if (event.kind === 'text') await onText?.(event.text);
    if (event.kind !== 'answer') continue;
    metrics.tokens(event.answer.usage.prompt, event.answer.usage.completion);
    return event.answer;
  }
  throw new PixtralError('machine', 'the engine gave no answer');
}

export async function decidedOf(events: AsyncIterable<QuestionEvent>, { metrics }: ServeContext): Promise<Decided> {
  for await (const event of events) {
    if (event.kind !== 'decided') continue;
    metrics.tokens(event.decided.usage.prompt, 0);
    return event.decided;
  }
  throw new PixtralError('machine', 'the engine gave no answer');
}
