import { PixtralError } from '../../base/errors.ts';
import { type OpenRequest, type Opened, ascii } from './opened.ts';
import { notRead, otherPicture } from './other-pictures.ts';
import { formats } from './registry.ts';
import { pictureKinds } from './signatures.ts';

/** Tells a picture by its content, never by its name. @throws PixtralError `input` for anything else */
export async function openPicture(request: OpenRequest): Promise<Opened> {
  const { name, bytes } = request;
  const format = formats.find(({ is }) => is(bytes));
  if (format) return format.open(request);
  const other = otherPicture(bytes);
  if (other) throw notRead(name, other);
  const names = pictureKinds.map((kind) => kind.name);
  throw new PixtralError('input', `${name}: ${describe(bytes)}, expected a picture`, {
    hint: `${names.slice(0, -1).join(', ')} and ${names.at(-1)} can be read`,
  });
}

const known: readonly { start: RegExp; is: string }[] = [
  { start: /^$/, is: 'is empty' },
  { start: /^\s*<(!doctype html|html)/i, is: 'is a web page' },
  { start: /^(\xef\xbb\xbf)?\s*<(!--|\?xml)/i, is: 'is an XML file without a drawing' },
  { start: /^.{4}ftyp/s, is: 'is a film' },
  { start: /^PK[^ -~]/, is: 'is a ZIP file' },
  { start: /^GGUF/, is: 'is a GGUF model' },
  { start: /^[\t\n\r\x20-\x7e\x80-\xff]*$/, is: 'is a text file' },
];

function describe(bytes: Uint8Array): string {
  const opening = ascii(bytes, 0, 64);
  return known.find(({ start }) => start.test(opening))?.is ?? 'is no picture that is known here';
}
