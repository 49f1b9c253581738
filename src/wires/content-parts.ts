import type { Source } from '../image/sources/sources.ts';
import type { Chunk } from '../prompt/message.ts';
import { asRecord, wrong } from './fields.ts';
import type { FindSources } from './request.ts';

export interface PartContext {
  where: string;
  sources: FindSources;
  /** `detail` of every picture is put in it. */
  details: unknown[];
}

type ReadPart = (part: Record<string, unknown>, context: PartContext) => Promise<Chunk<Source>[]> | Chunk<Source>[];

/** A message's content: a text, or parts of it by their `type`. @throws PixtralError `input` */
export async function readContent(
  content: unknown,
  { parts, ...context }: PartContext & { parts: Readonly<Record<string, ReadPart>> },
): Promise<Chunk<Source>[]> {
  const { where } = context;
  if (typeof content === 'string') return [{ kind: 'text', text: content }];
  if (!Array.isArray(content)) throw wrong(where, content, 'a text or a list of parts');
  const chunks: Chunk<Source>[] = [];
  for (const one of content as unknown[]) {
    const part = asRecord(one, where);
    const { type } = part;
    const read = typeof type === 'string' && Object.hasOwn(parts, type) ? parts[type] : undefined;
    if (!read) throw wrong(where, part, `a part of type ${Object.keys(parts).join(', ')}`);
    chunks.push(...(await read(part, context)));
  }
  return chunks;
}

export const textPart: ReadPart = ({ text }, { where }) => {
  if (typeof text !== 'string') throw wrong(`${where}: text`, text, 'a text');
  return [{ kind: 'text', text }];
};

/** Pictures behind a URL of any kind. */
export async function pictureChunks(
  url: unknown,
  { name, where, sources, details, detail }: PartContext & { name: string; detail?: unknown },
): Promise<Chunk<Source>[]> {
  if (typeof url !== 'string') throw wrong(`${where}: ${name}`, url, 'a URL');
  details.push(detail);
  return (await sources(url, `${where}: ${name}`)).map((image) => ({ kind: 'image', image }));
}
