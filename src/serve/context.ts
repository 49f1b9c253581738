import { PixtralError } from '../base/errors.ts';
import { parseExactJson } from '../base/exact-json.ts';
import type { AskQueue } from '../asking/ask-queue.ts';
import type { Question } from '../asking/events.ts';
import { loadQuestion, settledQuestion } from '../asking/load-question.ts';
import type { RecordQuestion } from '../asking/record-hash.ts';
import type { Engine } from '../engine/engine.ts';
import type { PictureOptions } from '../asking/pictures/picture-chunks.ts';
import { type Source, schemeSource } from '../image/sources/sources.ts';
import { type Fields, asRecord } from '../wires/fields.ts';
import type { RequestContext, RequestDefaults } from '../wires/request.ts';
import type { Metrics } from './metrics.ts';

/** What every route has. */
export interface ServeContext {
  engine: Engine;
  queue: AskQueue;
  /** What requests leave open. */
  defaults: RequestDefaults;
  pictures: Omit<PictureOptions, 'image' | 'detail'>;
  metrics: Metrics;
}

/** A request's body. @throws PixtralError `input` */
export async function readBody(request: Request): Promise<Fields> {
  const text = await request.text();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new PixtralError('input', 'body: is no JSON', { cause });
  }
  return { where: 'body', record: asRecord(value, 'body'), exact: () => parseExactJson(text) };
}

export function requestContext({ defaults }: ServeContext): RequestContext {
  return { defaults, template: undefined, sources: sentSource };
}

/** A client may name what it brings or what anyone can fetch, never a file of this machine. */
function sentSource(url: string, where: string): Source[] {
  if (/^(data:|https?:\/\/)/i.test(url)) return [schemeSource(url)!];
  throw new PixtralError('input', `${where}: is no data: URI and no http(s) URL, expected one of them`);
}

/** Reads the pictures of a question, which is then ready to be asked. */
export async function readQuestion(
  question: RecordQuestion,
  { context, cancel }: { context: ServeContext; cancel: AbortSignal },
): Promise<Question> {
  const { engine, pictures } = context;
  const settled = settledQuestion(question, engine);
  return { ...(await loadQuestion(settled, { answerer: engine, pictures, signal: cancel })), cancel };
}
