import { viewBytes } from '../base/view-bytes.ts';
import type { ErrorJson } from './error-json.ts';
import { PixtralError } from '../base/errors.ts';
import { parseExactJson, writeExactJson } from '../base/exact-json.ts';
import type { Decisions } from '../asking/decisions/question.ts';
import type { Priority } from '../asking/ask-queue.ts';
import type { AskOptions, PictureReceipt, QuestionEvent } from '../asking/events.ts';
import type { Detail, PictureOptions } from '../asking/pictures/picture-chunks.ts';
import type { AnswerFormat } from '../grammar/answer-format.ts';
import type { Json } from '../grammar/schema.ts';
import { schemaValidator } from '../grammar/validate.ts';
import type { Picture } from '../image/decoder/load.ts';
import type { Selection } from '../image/sources/selection.ts';
import type { Message } from '../prompt/message.ts';

/** A picture's file, read by whoever may read it, or a picture that is prepared already. */
export type SentImage =
  | { kind: 'file'; name: string; selection: Selection | undefined; bytes: Uint8Array }
  | { kind: 'prepared'; picture: Picture };

/** Everything that a command asks a server of the same user, as it would ask a model of its own. */
export interface LocalQuestion {
  messages: readonly Message<SentImage>[];
  options: AskOptions;
  decisions?: Decisions | undefined;
  /** How files are to be read, where there are any. */
  pictures: { detail: Detail; maxTiles: number; maxPages: number; text: PictureOptions['text'] } | undefined;
  /** Whether it is computed in steps of its own. */
  alone: boolean;
  /** Whether the state of its prompt is of no further use. */
  once: boolean;
  priority: Priority;
}

/** What comes back, a line of JSON each. */
export type LocalEvent =
  | { kind: 'pictures'; receipts: PictureReceipt[] }
  | Exclude<QuestionEvent, { kind: 'failed' }>
  | { kind: 'failed'; error: ErrorJson };

const lengthBytes = 4;

/** JSON with its length before it, and the files' bytes behind it. */
export function encodeLocalQuestion({ messages, options, ...others }: LocalQuestion): Uint8Array[] {
  const files: Uint8Array[] = [];
  const content = messages.map((message) => ({
    ...message,
    content: message.content.map((chunk) => {
      if (chunk.kind !== 'image') return chunk;
      const { head, bytes } = apart(chunk.image);
      files.push(bytes);
      return { kind: 'image', image: { ...head, byteLength: bytes.byteLength } };
    }),
  }));
  const head = Buffer.from(
    JSON.stringify({ ...others, messages: content, options: { ...options, format: sentFormat(options.format) } }),
  );
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32LE(head.byteLength);
  return [length, head, ...files];
}

function apart(image: SentImage): { head: ImageHead; bytes: Uint8Array } {
  if (image.kind === 'file') {
    const { bytes, ...head } = image;
    return { head, bytes };
  }
  const { patches, ...picture } = image.picture;
  const bytes = viewBytes(patches);
  return { head: { kind: 'prepared', picture }, bytes };
}

type ImageHead =
  | { kind: 'file'; name: string; selection: Selection | undefined }
  | { kind: 'prepared'; picture: Omit<Picture, 'patches'> };

/** Functions do not travel: what checks a value is made again of its schema. */
type SentFormat =
  | Exclude<AnswerFormat, { kind: 'json' }>
  /** `told` in JSON's own words. */
  | { kind: 'json'; grammar: string; schema: Json | undefined; told: string };

interface SentHead extends Omit<LocalQuestion, 'messages' | 'options'> {
  messages: readonly Message<ImageHead & { byteLength: number }>[];
  options: Omit<AskOptions, 'format'> & { format: SentFormat | undefined };
}

/** @throws PixtralError `input` for what no client of this version has sent */
export function decodeLocalQuestion(body: Buffer): LocalQuestion {
  const wrong = (): PixtralError => new PixtralError('input', 'body: is no question of this version of pixtral');
  if (body.byteLength < lengthBytes) throw wrong();
  let at = lengthBytes + body.readUInt32LE();
  if (at > body.byteLength) throw wrong();
  const head = JSON.parse(body.subarray(lengthBytes, at).toString()) as SentHead;
  const messages = head.messages.map((message) => ({
    ...message,
    content: message.content.map((chunk) => {
      if (chunk.kind !== 'image') return chunk;
      const { byteLength, ...image } = chunk.image;
      const bytes = body.subarray(at, at + byteLength);
      at += byteLength;
      return { kind: 'image' as const, image: together(image, bytes) };
    }),
  }));
  if (at !== body.byteLength) throw wrong();
  return { ...head, messages, options: { ...head.options, format: receivedFormat(head.options.format) } };
}

function sentFormat(format: AnswerFormat | undefined): SentFormat | undefined {
  if (format?.kind !== 'json') return format;
  const { kind, grammar, schema } = format;
  return { kind, grammar, schema, told: writeExactJson(format.told()) };
}

function receivedFormat(format: SentFormat | undefined): AnswerFormat | undefined {
  if (format?.kind !== 'json') return format;
  const { kind, grammar, schema, told } = format;
  const problem = schema === undefined ? () => undefined : schemaValidator(schema);
  return { kind, grammar, schema, problem, told: () => parseExactJson(told) };
}

function together(head: ImageHead, bytes: Uint8Array): SentImage {
  if (head.kind === 'file') return { ...head, bytes };
  const patches = new Float32Array(new Uint8Array(bytes).buffer); // copied: numbers stand at multiples of their size
  return { kind: 'prepared', picture: { ...head.picture, patches } };
}
