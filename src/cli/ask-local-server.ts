import type { EngineEvent, PictureReceipt } from '../asking/events.ts';
import { type Told, askLocal } from '../local/ask-local.ts';
import type { RecordQuestion } from '../asking/record-hash.ts';
import type { ModelPaths } from '../engine/runtime/resolve.ts';
import { readSource } from '../image/sources/sources.ts';
import type { Message } from '../prompt/message.ts';
import type { Announcement } from '../store/announcements.ts';
import type { SentImage } from '../wires/local-question.ts';
import type { EngineFlags } from './engine-flags.ts';
import type { Io } from './io.ts';
import { findLocalServer } from './local-server.ts';
import { type PictureFlags, pictureSettings } from './picture-flags.ts';

interface LocalAsking {
  paths: ModelPaths;
  flags: EngineFlags & PictureFlags;
  io: Io;
  stdin: () => Promise<Uint8Array>;
  /** Before anything else comes from it. */
  onServer: (server: Announcement) => void;
  onPictures: (receipts: readonly PictureReceipt[]) => void;
}

/** The answer of a server of this user that has the model loaded; undefined where there is none, or it has no place. */
export async function askLocalServer(
  { messages, options, detail }: Pick<RecordQuestion, 'messages' | 'options' | 'detail'>,
  asking: LocalAsking,
): Promise<AsyncGenerator<EngineEvent, void> | undefined> {
  const { flags, io } = asking;
  const server = await findLocalServer(asking.paths, { flags, io });
  if (!server) return undefined;
  const settings = pictureSettings(flags, asking);
  const { maxTiles, maxPages, text } = settings;
  const seed = options.seed ?? Math.floor(Math.random() * 2 ** 32);
  const question = {
    messages: await readFiles(messages, settings),
    options: { ...options, seed },
    pictures: { detail, maxTiles, maxPages, text },
    alone: true,
    once: false,
    priority: 'foreground' as const,
  };
  const reply = await askLocal(server, { question, signal: io.signal });
  if (reply.kind !== 'told') return undefined;
  asking.onServer(server);
  return engineEvents(reply.events, asking);
}

async function readFiles(
  messages: RecordQuestion['messages'],
  settings: Parameters<typeof readSource>[1],
): Promise<Message<SentImage>[]> {
  const read: Message<SentImage>[] = [];
  for (const message of messages) {
    const content: Message<SentImage>['content'][number][] = [];
    for (const chunk of message.content) {
      if (chunk.kind !== 'image') content.push(chunk);
      else {
        const { name, selection } = chunk.image;
        const bytes = await readSource(chunk.image, settings);
        content.push({ kind: 'image', image: { kind: 'file', name, selection, bytes } });
      }
    }
    read.push({ ...message, content });
  }
  return read;
}

async function* engineEvents(
  told: AsyncIterable<Told>,
  { onPictures }: Pick<LocalAsking, 'onPictures'>,
): AsyncGenerator<EngineEvent, void> {
  for await (const event of told) {
    if (event.kind === 'pictures') onPictures(event.receipts);
    else yield event;
  }
}
