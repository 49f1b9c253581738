import { basename, dirname } from 'node:path';
import { PixtralError } from '../../base/errors.ts';
import { pictureDate } from '../../image/formats/picture-date.ts';
import type { Source } from '../../image/sources/sources.ts';
import type { Chunk, Message } from '../../prompt/message.ts';
import { fieldNames, fillFields } from '../../prompt/fields.ts';
import { placeImages } from '../../prompt/placeholders.ts';
import type { CommonQuestion } from './entry.ts';

/** What every picture has; a record's own fields win over them. */
const pictureFields = ['id', 'name', 'dir', 'path', 'exif.date', 'text'];

/**
 * @param known fields of the records
 * @throws PixtralError `usage` for a field that no record has
 */
export function checkTemplate(template: string, known: ReadonlySet<string>): void {
  const has = (name: string): boolean =>
    pictureFields.includes(name) || known.has(name) || known.has(name.split('.', 1)[0]!);
  const unknown = fieldNames(template).find((name) => !has(name));
  if (unknown === undefined) return;
  const others = [...known].slice(0, 12).map((name) => `{${name}}`);
  throw new PixtralError('usage', `{${unknown}} in the prompt: no record has such a field`, {
    hint: `there are ${[...pictureFields.map((name) => `{${name}}`), ...others].join(' ')}; {{${unknown}}} is the text {${unknown}}`,
  });
}

export interface TemplateRecord {
  id: string | number;
  where: string;
  images: readonly Source[];
  fields: Readonly<Record<string, unknown>>;
}

/** A record's pictures and the command line's prompt with its fields filled, perhaps with the words of their pages. */
export async function templateMessage(
  { id, where, images, fields }: TemplateRecord,
  { prompt, readPicture, readWords }: { prompt: string } & Pick<CommonQuestion, 'readPicture' | 'readWords'>,
): Promise<{ user: Message<Source>; text: 'filled' | undefined }> {
  const first = images[0];
  const asks = (name: string): boolean =>
    fieldNames(prompt).includes(name) && shown(fieldAt(fields, name)) === undefined;
  const date = first && asks('exif.date') ? pictureDate(await readPicture(first)) : undefined;
  const text = asks('text') ? await wordsOf(images, readWords) : undefined;
  const built = { id, ...(first && placeFields(first)), 'exif.date': date, text };
  const chunks: Chunk<Source>[] = images.map((image) => ({ kind: 'image', image }));
  const placed = placeImages([...chunks, { kind: 'text', text: prompt }], ({ name }) => name);
  const valueOf = (name: string): string | undefined =>
    shown(fieldAt(fields, name)) ??
    shown(Object.hasOwn(built, name) ? (built as Record<string, unknown>)[name] : undefined);
  const missing = (name: string): PixtralError =>
    new PixtralError('input', `${where}: has no {${name}} for the prompt`, {
      hint: `{${name}|unknown} puts "unknown" in its place`,
    });
  const content = placed.map((chunk) =>
    chunk.kind === 'image' ? chunk : { ...chunk, text: fillFields(chunk.text, { valueOf, missing }) },
  );
  return { user: { role: 'user', content }, text: text === undefined ? undefined : 'filled' };
}

/** Of several pages or pictures each with a line before it that says where they stand; undefined where there are none. */
async function wordsOf(images: readonly Source[], readWords: CommonQuestion['readWords']): Promise<string | undefined> {
  const found: { name: string; page: number | undefined; text: string }[] = [];
  for (const image of images) {
    for (const words of await readWords(image)) found.push({ name: image.name, ...words });
  }
  if (found.length === 0) return undefined;
  if (images.length === 1 && found.length === 1) return found[0]!.text;
  const titled = found.map(({ name, page, text }) => {
    const place = [...(images.length > 1 ? [name] : []), ...(page === undefined ? [] : [`page ${page}`])];
    return `Text of ${place.join(', ')}:\n${text}`;
  });
  return titled.join('\n\n');
}

function placeFields({ kind, at, name }: Source): { name: string; dir: string; path: string } {
  if (kind === 'data') return { name, dir: '', path: name };
  if (kind !== 'url') return { name: basename(at), dir: dirname(at), path: at };
  const path = name.replace(/[?#].*$/, ''); // without a password, which an answer might repeat
  return { name: basename(path), dir: dirname(path), path: name };
}

/** `meta.author` is a field of that name, or the author in meta. */
function fieldAt(fields: Readonly<Record<string, unknown>>, name: string): unknown {
  if (Object.hasOwn(fields, name)) return fields[name];
  let value: unknown = fields;
  for (const key of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

function shown(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
