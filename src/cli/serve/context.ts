import { PixtralError } from '../../base/errors.ts';
import type { RecordQuestion } from '../../asking/record-hash.ts';
import type { Question } from '../../asking/events.ts';
import type { Engine } from '../../engine/engine.ts';
import { loadMessages } from '../../asking/pictures/message-pictures.ts';
import type { PictureOptions } from '../../asking/pictures/picture-chunks.ts';
import type { CommonQuestion } from '../batch/entry.ts';
import { asRecord } from '../batch/record-fields.ts';
import type { AskQueue } from './ask-queue.ts';
import type { Metrics } from './metrics.ts';

/** What every route has. */
export interface ServeContext {
  engine: Engine;
  queue: AskQueue;
  /** What requests leave open. */
  common: CommonQuestion;
  pictures: Omit<PictureOptions, 'image' | 'detail'>;
  metrics: Metrics;
}

/** A request's body. @throws PixtralError `input` */
export async function readBody(request: Request): Promise<Record<string, unknown>> {
  let value: unknown;
  try {
    value = await request.json();
  } catch (cause) {
    throw new PixtralError('input', 'body: is no JSON', { cause });
  }
  return asRecord(value, 'body');
}

/**
 * A client may name what it brings or what anyone can fetch, never a file of this machine.
 * @throws PixtralError `input`
 */
export function checkPictureUrl(url: unknown, where: string): void {
  if (typeof url !== 'string' || /^(data:|https?:\/\/)/i.test(url)) return;
  throw new PixtralError('input', `${where}: is no data: URI and no http(s) URL, expected one of them`);
}

/** Reads the pictures of a question, which is then ready to be asked. */
export async function readQuestion(
  { messages, options, decisions, detail }: RecordQuestion,
  { context, cancel }: { context: Pick<ServeContext, 'engine' | 'pictures'>; cancel: AbortSignal },
): Promise<Question> {
  const { engine, pictures } = context;
  const loaded = await loadMessages(messages, {
    ...pictures,
    detail,
    signal: cancel,
    image: engine.files.image,
    maxImageTokens: engine.files.decoder.trainedContext,
    keepPatches: true,
  });
  const seed = options.seed ?? Math.floor(Math.random() * 2 ** 32);
  return { messages: loaded, options: { ...options, seed }, decisions, cancel };
}
