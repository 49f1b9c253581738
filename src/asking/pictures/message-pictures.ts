import { ahead } from '../../base/ahead.ts';
import { PixtralError } from '../../base/errors.ts';
import { traced } from '../../base/trace.ts';
import type { PictureForm } from '../../image/decoder/decode.ts';
import type { Picture } from '../../image/decoder/load.ts';
import type { Source } from '../../image/sources/sources.ts';
import { type Chunk, type Message, type Thoughts, asParagraphs, imagesOf } from '../../prompt/message.ts';
import { type PictureOptions, pictureChunks } from './picture-chunks.ts';
import { pictureReceipt } from './receipt.ts';

export interface MessagePicturesOptions extends PictureOptions {
  /** Ids that all images together may have: more would fill the memory with patches before the prompt is refused. */
  maxImageTokens: number;
  /** What is wanted of each: `layout` alone takes no memory, patches take 3 KB an id. */
  keep: PictureForm | 'layout';
  /** Before each source is read. */
  onSource?: (name: string) => void;
}

/** Reads the sources of a conversation in their order, each as the images that the model will see. */
export async function loadMessages(
  messages: readonly Message<Source>[],
  options: MessagePicturesOptions,
): Promise<Message<Picture>[]> {
  const loaded: Message<Picture>[] = [];
  const reading = readAhead(messages, options);
  let tokens = 0;
  try {
    for (const message of messages) {
      const content: (Chunk<Picture> | Thoughts)[] = [];
      let hasWords = false;
      for (const chunk of message.content) {
        if (chunk.kind !== 'image') {
          content.push(chunk);
          continue;
        }
        options.onSource?.(chunk.image.name);
        for (const part of await reading.next()) {
          content.push(part);
          hasWords ||= part.kind === 'text';
          if (part.kind === 'image') tokens += pictureReceipt(part.image).tokens;
          if (tokens > options.maxImageTokens) throw tooMany(chunk.image.name, { tokens, ...options });
        }
      }
      const whole = { ...message, content };
      loaded.push(...(hasWords ? asParagraphs(whole) : [whole]));
    }
    return loaded;
  } finally {
    reading.end();
  }
}

/** The next source is read while one is: more would fill the memory with patches that may turn out to be too many. */
function readAhead(messages: readonly Message<Source>[], options: MessagePicturesOptions) {
  const sources = messages.flatMap(({ content }) => imagesOf(content));
  const ending = new AbortController();
  const signal =
    options.signal && sources.length > 1 ? AbortSignal.any([options.signal, ending.signal]) : options.signal;
  const chunks = (source: Source) => chunksOf(source, { ...options, signal: signal ?? ending.signal });
  const { trace } = options;
  const prepare = (source: Source) =>
    settled(traced({ trace, stage: 'picture', detail: { picture: source.name } }, () => chunks(source)));
  const read = ahead(sources, { count: 1, prepare });
  return {
    async next(): Promise<Chunk<Picture>[]> {
      const { value } = await read.next();
      if (!value) return [];
      if (value.status === 'rejected') throw value.reason;
      return value.value;
    },
    /** After an error nobody waits for what is ahead. */
    end: () => ending.abort(ended),
  };
}

/** A reason that nobody sees: the one of AbortController's own looks for the stack. */
const ended = 'ended';

async function chunksOf(source: Source, options: MessagePicturesOptions): Promise<Chunk<Picture>[]> {
  const chunks: Chunk<Picture>[] = [];
  let tokens = 0;
  for await (const chunk of pictureChunks(source, { ...options, form: options.keep === 'png' ? 'png' : 'patches' })) {
    chunks.push(chunk.kind === 'text' || options.keep !== 'layout' ? chunk : withoutPatches(chunk));
    if (chunk.kind === 'image') tokens += pictureReceipt(chunk.image).tokens;
    if (tokens > options.maxImageTokens) break; // whoever counts all of them will say so
  }
  return chunks;
}

async function settled<T>(promise: Promise<T>): Promise<PromiseSettledResult<T>> {
  const [result] = await Promise.allSettled([promise]);
  return result;
}

function withoutPatches({ kind, image }: Extract<Chunk<Picture>, { kind: 'image' }>): Chunk<Picture> {
  return { kind, image: { ...image, patches: new Float32Array() } };
}

function tooMany(name: string, { tokens, maxImageTokens }: { tokens: number; maxImageTokens: number }): PixtralError {
  return new PixtralError(
    'input',
    `${name}: with it the images have ${tokens} ids, expected at most the ${maxImageTokens} of the context`,
    { hint: 'give fewer pictures or pages, or --detail low' },
  );
}
