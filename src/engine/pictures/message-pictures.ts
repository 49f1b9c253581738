import { PixtralError } from '../../base/errors.ts';
import type { Picture } from '../../image/decoder/load.ts';
import type { Source } from '../../image/sources/sources.ts';
import type { Chunk, Message } from '../../prompt/message.ts';
import { type PictureOptions, pictureChunks } from './picture-chunks.ts';
import { pictureReceipt } from './receipt.ts';

export interface MessagePicturesOptions extends PictureOptions {
  /** Ids that all images together may have: more would fill the memory with patches before the prompt is refused. */
  maxImageTokens: number;
  /** Patches take 3 KB an id: false where only the layout is wanted. */
  keepPatches: boolean;
  /** Before each source is read. */
  onSource?: (name: string) => void;
}

/** Reads the sources of a conversation one after the other, each as the images that the model will see. */
export async function loadMessages(
  messages: readonly Message<Source>[],
  options: MessagePicturesOptions,
): Promise<Message<Picture>[]> {
  const loaded: Message<Picture>[] = [];
  let tokens = 0;
  for (const message of messages) {
    const content: Chunk<Picture>[] = [];
    for (const chunk of message.content) {
      if (chunk.kind === 'text') {
        content.push(chunk);
        continue;
      }
      options.onSource?.(chunk.image.name);
      for await (const part of pictureChunks(chunk.image, options)) {
        content.push(part.kind === 'text' || options.keepPatches ? part : withoutPatches(part));
        if (part.kind === 'image') tokens += pictureReceipt(part.image).tokens;
        if (tokens > options.maxImageTokens) throw tooMany(chunk.image.name, { tokens, ...options });
      }
    }
    loaded.push({ ...message, content });
  }
  return loaded;
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
