import { type LoadOptions, type Picture, loadPictures } from '../image/load.ts';
import { type SourceOptions, readSource, sourceName } from '../image/sources.ts';
import type { Chunk, Message } from '../prompt/message.ts';

interface NamedBytes {
  name: string;
  bytes: Uint8Array;
}

/** Reads all sources before a model is opened: what is missing is said at once. */
export function readSources(
  messages: readonly Message<string>[],
  options: SourceOptions,
): Promise<Message<NamedBytes>[]> {
  return mapImages(messages, async (source) => [
    { name: sourceName(source), bytes: await readSource(source, options) },
  ]);
}

/** Decodes what was read, as the model will see it: a source of several pages becomes several images. */
export function loadMessages(
  messages: readonly Message<NamedBytes>[],
  options: LoadOptions,
): Promise<Message<Picture>[]> {
  return mapImages(messages, (source) => loadPictures(source, options));
}

async function mapImages<From, To>(
  messages: readonly Message<From>[],
  map: (image: From) => Promise<To[]>,
): Promise<Message<To>[]> {
  const mapped: Message<To>[] = [];
  for (const message of messages) {
    const content: Chunk<To>[] = [];
    for (const chunk of message.content) {
      if (chunk.kind === 'text') content.push(chunk);
      else content.push(...(await map(chunk.image)).map((image) => ({ kind: 'image' as const, image })));
    }
    mapped.push({ ...message, content });
  }
  return mapped;
}
