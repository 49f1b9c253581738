import { samplingReceipt } from '../../asking/sampling-receipt.ts';
import { PixtralError } from '../../base/errors.ts';
import { loadMessages } from '../../asking/pictures/message-pictures.ts';
import type { PictureOptions } from '../../asking/pictures/picture-chunks.ts';
import { pictureReceipt } from '../../asking/pictures/receipt.ts';
import { type RecordQuestion, type SettledQuestion, recordHash } from '../../asking/record-hash.ts';
import type { Picture } from '../../image/decoder/load.ts';
import type { Source } from '../../image/sources/sources.ts';
import { errorJson } from '../../wires/error-json.ts';
import type { Chunk, Message, Tool } from '../../prompt/message.ts';
import { toolsJson } from '../../prompt/tool-segments.ts';
import type { BatchEntry } from '../batch/entry.ts';
import { type WireMessage, type WirePart, chatBody } from './chat-body.ts';
import { hosts } from './hosts.ts';
import { type AskedRecord, type FailedRecord, type JobsHead, customIdOf, formName } from './manifest.ts';
import { type AskedForm, askedForm } from './asked-form.ts';

export interface SplitOptions {
  head: JobsHead;
  /** Pictures behind URLs stay there, and the host fetches them. */
  byUrl: boolean;
  pictures: Omit<PictureOptions, 'detail'>;
  /** Of what all records share. */
  job: string;
  /** Bytes of a line with its end. */
  maxBytes: number;
  /** Whether this very question is in a job, or answered. */
  isDone: (entry: BatchEntry, hash: string | undefined) => boolean;
  /** How often this question stands in jobs already. */
  attempts: (entry: BatchEntry, hash: string) => number;
}

export type SplitOutcome =
  | { kind: 'skipped' }
  | { kind: 'asked'; line: string; record: Omit<AskedRecord, 'job'>; form: AskedForm | undefined }
  | { kind: 'failed'; record: FailedRecord; error: unknown };

/** All pictures of a record may have as many ids together as Pixtral's context. */
const maxImageTokens = 131_072;

/** One record as a line of a job, its pictures prepared. What is wrong with it is its own outcome. */
export async function splitRecord(entry: BatchEntry, options: SplitOptions): Promise<SplitOutcome> {
  const { id, style } = entry;
  let hash: string | undefined;
  try {
    const question = withoutDecisions(await entry.question(), entry.where);
    const pictures = { ...options.pictures, detail: question.detail, text: question.text ?? options.pictures.text };
    hash = await recordHash(question, { job: options.job, pictures });
    if (options.isDone(entry, hash)) return { kind: 'skipped' };
    const customId = customIdOf({ id, hash }, options.attempts(entry, hash) + 1);
    return await askedOf(question, { entry, hash, customId, options });
  } catch (error) {
    options.pictures.signal?.throwIfAborted();
    if (hash === undefined && options.isDone(entry, hash)) return { kind: 'skipped' };
    return { kind: 'failed', record: { id, style, hash, error: errorJson(error) }, error };
  }
}

function withoutDecisions(question: RecordQuestion, where: string): SettledQuestion {
  const { decisions, ...plain } = question;
  if (!decisions) return plain;
  throw new PixtralError('input', `${where}: asks for probabilities, which batch jobs do not tell`, {
    hint: 'pixtral decide asks the model on this machine',
  });
}

async function askedOf(
  question: SettledQuestion,
  { entry, hash, customId, options }: { entry: BatchEntry; hash: string; customId: string; options: SplitOptions },
): Promise<SplitOutcome> {
  const { id, style, where } = entry;
  const { host, model } = options.head;
  const sampled = { ...question.options, seed: question.options.seed ?? seedOf(hash) };
  chatBody({ ...question, messages: [], options: sampled }, { name: host, where }); // before pictures are read
  const { messages, pictures } = await wireMessages(question, { options, where });
  const body = chatBody({ ...question, messages, options: sampled }, { name: host, where });
  const line = withTools(JSON.stringify(hosts[host].line(customId, { model, body })), sampled.tools);
  checkLength(line, { where, maxBytes: options.maxBytes });
  const { format, logprobs, reasoning, tools, toolChoice } = sampled;
  const asked = format && askedForm(format);
  return {
    kind: 'asked',
    line,
    form: asked,
    record: {
      id,
      style,
      hash,
      customId,
      form: asked && formName(asked),
      images: pictures.map(pictureReceipt),
      imageMs: Math.round(pictures.reduce((sum, { milliseconds }) => sum + milliseconds, 0)),
      sampling: samplingReceipt(sampled),
      ...(logprobs !== undefined && { logprobs: true }),
      ...(reasoning === 'show' && { reasoning: 'show' }),
      ...(tools && { toolChoice: toolChoice ?? 'auto' }),
    },
  };
}

/** Definitions keep their numbers and the order of their keys. A line ends with its body. */
function withTools(line: string, tools: readonly Tool[] | undefined): string {
  return tools ? `${line.slice(0, -2)},"tools":${toolsJson(tools)}}}` : line;
}

/** The same in every run; hosts take 31 bits. */
function seedOf(hash: string): number {
  return Number.parseInt(hash.slice(0, 8), 16) >>> 1;
}

function checkLength(line: string, { where, maxBytes }: { where: string; maxBytes: number }): void {
  const byteLength = Buffer.byteLength(line) + 1;
  if (byteLength <= maxBytes) return;
  throw new PixtralError('input', `${where}: its line has ${byteLength} bytes, expected at most ${maxBytes} of a job`, {
    hint: 'give it fewer pictures, or raise --job-size',
  });
}

async function wireMessages(
  { messages, detail, text }: SettledQuestion,
  { options, where }: { options: SplitOptions; where: string },
): Promise<{ messages: WireMessage[]; pictures: Picture[] }> {
  const pictures: Picture[] = [];
  const wire: WireMessage[] = [];
  for (const message of messages) {
    const { content: parts, ...around } = message;
    const content: WirePart[] = [];
    for (const chunk of parts) {
      if (chunk.kind === 'thinking') throw thoughtsIn(where);
      for (const part of await partsOf(chunk, { message, detail, text, options, before: pictures })) {
        content.push(part.wire);
        if (part.picture) pictures.push(part.picture);
      }
    }
    wire.push({ ...around, content });
  }
  return { messages: wire, pictures };
}

function thoughtsIn(where: string): PixtralError {
  return new PixtralError(
    'input',
    `${where}: thoughts of an earlier answer: each host of batch jobs wants them elsewhere`,
    {
      hint: 'leave them out, or answer on this machine or at a server',
    },
  );
}

interface ChunkPlace {
  message: Message<Source>;
  detail: RecordQuestion['detail'];
  text: RecordQuestion['text'];
  options: SplitOptions;
  /** What the record has already. */
  before: readonly Picture[];
}

async function partsOf(
  chunk: Chunk<Source>,
  { message, detail, text, options, before }: ChunkPlace,
): Promise<{ wire: WirePart; picture?: Picture }[]> {
  if (chunk.kind === 'text') return [{ wire: chunk }];
  const { kind, at, selection } = chunk.image;
  if (options.byUrl && kind === 'url' && !selection) return [{ wire: { kind: 'image', url: at } }];
  const tokens = before.reduce((sum, picture) => sum + pictureReceipt(picture).tokens, 0);
  const loaded = await loadMessages([{ ...message, content: [chunk] }], {
    ...options.pictures,
    detail,
    text: text ?? options.pictures.text,
    maxImageTokens: maxImageTokens - tokens,
    keep: 'png',
  });
  return loaded
    .flatMap(({ content }) => content)
    .map((part) => {
      if (part.kind === 'text') return { wire: part };
      if (part.kind === 'thinking') throw new Error('a picture does not think');
      const { png, ...picture } = part.image;
      const url = `data:image/png;base64,${Buffer.from(png!).toString('base64')}`;
      return { wire: { kind: 'image', url }, picture };
    });
}
