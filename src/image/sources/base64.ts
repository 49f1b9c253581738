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
  return percentDecoded(Buffer.from(body));
}

function percentDecoded(encoded: Buffer): Uint8Array {
  let length = 0;
  for (let at = 0; at < encoded.byteLength; at++) {
    const isEscape = encoded[at] === percent;
    encoded[length++] = isEscape ? Number.parseInt(encoded.toString('latin1', at + 1, at + 3), 16) : encoded[at]!;
    if (isEscape) at += 2;
  }
  return encoded.subarray(0, length);
}

const percent = 0x25;

/** What a file of a picture's base64, or of a data: URI, stands for; any other file as it is. */
export function unwrapBase64(bytes: Uint8Array, name: string): Uint8Array {
  const text = inBytes(bytes);
  const opening = ascii(text, 0, 64)
    .replace(/^\u00ef\u00bb\u00bf/, '')
    .trimStart();
  if (/^data:/i.test(opening)) return readDataUri(textOf(text), name);
  if (!/^[\w+/-]{16,}([\r\n=]|$)/.test(opening)) return bytes;
  const unwrapped = fromBase64(textOf(text));
  return unwrapped && looksLikePicture(unwrapped) ? unwrapped : bytes;
}

/** One byte a letter also where there are two of them, as PowerShell writes what a command prints. */
function inBytes(bytes: Uint8Array): Uint8Array {
  const mark = bytes[0]! * 256 + bytes[1]!;
  if (mark !== 0xfffe && mark !== 0xfeff) return bytes;
  return Buffer.from(new TextDecoder(mark === 0xfffe ? 'utf-16le' : 'utf-16be').decode(bytes), 'latin1');
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder('latin1')
    .decode(bytes)
    .replace(/^\u00ef\u00bb\u00bf/, '')
    .trim();
}

/** Both alphabets, with line breaks; undefined for anything else: Buffer leaves out what it does not know. */
function fromBase64(text: string): Uint8Array | undefined {
  const body = text.trimEnd();
  let end = body.length;
  while (end > 0 && body[end - 1] === '=') end--;
  return /^[\w+/\s-]+$/.test(body.slice(0, end)) ? Buffer.from(body, 'base64') : undefined;
}
