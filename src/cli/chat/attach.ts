import { loadMessages } from '../../asking/pictures/message-pictures.ts';
import { pictureReceipt } from '../../asking/pictures/receipt.ts';
import { type Source, readSource } from '../../image/sources/sources.ts';
import { receiptCells } from '../../output/layout.ts';
import { warnOfPictures } from '../../output/picture-warnings.ts';
import { table } from '../../output/table.ts';
import { type Chat, change } from './chat.ts';
import { type Attachment, seenOf } from './session.ts';

/** Reads pictures, shows what they are, and gives them to the next question. */
export async function attach(
  chat: Chat,
  sources: readonly Source[],
  signal: AbortSignal | undefined,
): Promise<Attachment[]> {
  const loaded = [];
  for (const source of sources) loaded.push(await load(chat, source, signal));
  change(chat, { kind: 'attached', pictures: loaded });
  const added = chat.session.pending.slice(-loaded.length);
  for (const picture of added) await show(chat, picture);
  return added;
}

/** All are read before any is attached: what fails leaves the conversation as it was. */
export async function load(
  { partner, pictures }: Pick<Chat, 'partner' | 'pictures'>,
  source: Source,
  signal: AbortSignal | undefined,
): Promise<Pick<Attachment, 'source' | 'chunks'>> {
  const { image, maxImageTokens, takes: keep } = partner.answerer;
  const lasting = await lastingSource(source, { ...pictures, signal });
  const message = { role: 'user', content: [{ kind: 'image', image: lasting }] } as const;
  const read = await loadMessages([message], { ...pictures, image, maxImageTokens, keep, signal });
  return {
    source: lasting,
    chunks: read.flatMap(({ content }) => content).filter((chunk) => chunk.kind !== 'thinking'),
  };
}

/** What the clipboard holds now: it will hold something else when the transcript is read. */
async function lastingSource(source: Source, options: Chat['pictures']): Promise<Source> {
  if (source.kind !== 'clipboard') return source;
  const bytes = await readSource(source, options);
  return { ...source, kind: 'data', at: `data:image/png;base64,${Buffer.from(bytes).toString('base64')}` };
}

async function show(chat: Chat, picture: Attachment): Promise<void> {
  const receipts = seenOf(picture).map(pictureReceipt);
  chat.note(table(receipts.map((receipt) => [`attached ${picture.number}:`, ...receiptCells(receipt)])));
  warnOfPictures(receipts, { write: (lines) => chat.note(lines), json: false });
  await chat.viewer?.show(seenOf(picture));
}
