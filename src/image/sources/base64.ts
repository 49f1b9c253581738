import { PixtralError } from '../../base/errors.ts';
import { ascii } from '../formats/opened.ts';
import { looksLikePicture } from '../formats/signatures.ts';

/** The bytes of `data:image/png;base64,...`, or of a percent-encoded one. @throws PixtralError `input` */
export function readDataUri(uri: string, name: string): Uint8Array {
  const comma = uri.indexOf(',');
  if (comma < 0) throw new PixtralError('input', `${name}: has no comma, expected data:image/...;base64,...`);
  const body = uri.slice(comma + 1);
  if (/;base64$/i.test(uri.slice(0, comma))) {
    const bytes = fromBase64(body);
    if (!bytes) throw new PixtralError('input', `${name}: is not base64 as it says`);
    return bytes;
  }
  if (/%(?![\da-f]{2})/i.test(body)) throw new PixtralError('input', `${name}: is not percent-encoded as it should be`);
  return Buffer.from(
    Buffer.from(body)
      .toString('latin1')
      .replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );
}

/** What a file of a picture's base64, or of a data: URI, stands for; any other file as it is. */
export function unwrapBase64(bytes: Uint8Array, name: string): Uint8Array {
  const opening = ascii(bytes, 0, 64)
    .replace(/^\u00ef\u00bb\u00bf/, '')
    .trimStart();
  if (/^data:/i.test(opening)) return readDataUri(textOf(bytes), name);
  if (!/^[\w+/-]{16,}([\r\n=]|$)/.test(opening)) return bytes;
  const unwrapped = fromBase64(textOf(bytes));
  return unwrapped && looksLikePicture(unwrapped) ? unwrapped : bytes;
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder('latin1')
    .decode(bytes)
    .replace(/^\u00ef\u00bb\u00bf/, '')
    .trim();
}

/** Both alphabets, with line breaks; undefined for anything else: Buffer leaves out what it does not know. */
function fromBase64(text: string): Uint8Array | undefined {
  return /^[\w+/\s-]+=*\s*$/.test(text) ? Buffer.from(text, 'base64') : undefined;
}
