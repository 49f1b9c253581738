import { PixtralError } from './errors.ts';

/**
 * Text that somebody wrote: UTF-8, with a byte order mark or without, or UTF-16 with one. The mark is left out.
 * @param where names the text in messages
 * @throws PixtralError `input` for any other encoding, by its name as far as it shows: read as UTF-8 it would be garbled
 */
export function decodeText(bytes: Uint8Array, where: string): string {
  const encoding = textEncoding(bytes, where);
  if (encoding === 'utf-8') return decodeUtf8(bytes, where).replace(/^\ufeff/, '');
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    throw notUtf16(bytes, { encoding, where });
  }
}

/** UTF-8, as it stands. @throws PixtralError `input` */
export function decodeUtf8(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw notUtf8(bytes, where);
  }
}

/**
 * How the beginning of a text says that it is encoded; what has neither a mark nor the look of another is UTF-8.
 * @throws PixtralError `input` for an encoding that is not read
 */
export function textEncoding(opening: Uint8Array, where: string): 'utf-8' | 'utf-16le' | 'utf-16be' {
  const mark = marks.find(({ start }) => start.every((byte, at) => opening[at] === byte));
  if (mark?.reads) return mark.reads;
  const found = mark?.encoding ?? unmarked(opening);
  if (found === undefined) return 'utf-8';
  throw new PixtralError('input', `${where}: is ${found.name}, expected UTF-8, or UTF-16 with a byte order mark`, {
    hint: convertHint(found.iconv),
  });
}

type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be';
interface Foreign {
  name: string;
  iconv: string;
}

/** UTF-32 first: its mark begins with that of UTF-16. */
const marks: readonly { start: readonly number[]; reads?: Encoding; encoding?: Foreign }[] = [
  { start: [0xff, 0xfe, 0, 0], encoding: { name: 'UTF-32 (little-endian)', iconv: 'UTF-32' } },
  { start: [0, 0, 0xfe, 0xff], encoding: { name: 'UTF-32 (big-endian)', iconv: 'UTF-32' } },
  { start: [0xff, 0xfe], reads: 'utf-16le' },
  { start: [0xfe, 0xff], reads: 'utf-16be' },
  { start: [0x2b, 0x2f, 0x76], encoding: { name: 'UTF-7', iconv: 'UTF-7' } },
];

/** Text of Latin letters in units of two or four bytes is full of zeros, each in its place of a unit. */
function unmarked(opening: Uint8Array): Foreign | undefined {
  const sample = opening.subarray(0, 4096 & ~3);
  const zeros = [0, 0, 0, 0];
  for (let at = 0; at < sample.byteLength; at++) if (sample[at] === 0) zeros[at % 4]!++;
  const units = sample.byteLength / 4;
  const isFull = (place: number): boolean => zeros[place]! >= units * 0.75;
  const places = [0, 1, 2, 3].filter(isFull).join('');
  if (units >= 1 && places === '123') return { name: 'UTF-32 (little-endian)', iconv: 'UTF-32LE' };
  if (units >= 1 && places === '012') return { name: 'UTF-32 (big-endian)', iconv: 'UTF-32BE' };
  const [even, odd] = [zeros[0]! + zeros[2]!, zeros[1]! + zeros[3]!];
  const isMany = (count: number): boolean => count >= sample.byteLength / 4 && count > 0;
  if (isMany(odd) && even === 0) return { name: 'UTF-16 (little-endian) without a byte order mark', iconv: 'UTF-16LE' };
  if (isMany(even) && odd === 0) return { name: 'UTF-16 (big-endian) without a byte order mark', iconv: 'UTF-16BE' };
  // oxlint-disable-next-line no-control-regex
  const switches = /\u001b\$[@B(]|\u001b\([JI]/.exec(Buffer.from(sample).toString('latin1')); // all in seven bits
  return switches ? { name: 'ISO-2022-JP', iconv: 'ISO-2022-JP' } : undefined;
}

function notUtf8(bytes: Uint8Array, where: string): PixtralError {
  const at = firstWrong(bytes);
  const line = 1 + bytes.subarray(0, at).reduce((count, byte) => count + Number(byte === 0x0a), 0);
  const place = line === 1 ? `byte ${at + 1}` : `byte ${at + 1}, in line ${line}`;
  const guess = likelyEncoding(bytes);
  return new PixtralError('input', `${where}: is not UTF-8 at ${place}, expected UTF-8; it looks like ${guess.name}`, {
    hint: convertHint(guess.iconv),
  });
}

function notUtf16(bytes: Uint8Array, { encoding, where }: { encoding: Encoding; where: string }): PixtralError {
  const found = bytes.byteLength % 2 === 1 ? 'ends within a character' : 'holds half a character';
  return new PixtralError('input', `${where}: is ${encoding.toUpperCase()} by its byte order mark, but ${found}`, {
    hint: 'the file is cut short or damaged: save it anew, as UTF-8',
  });
}

/** From 0. A decoder that replaces tells where: at its first replacement that does not stand in the text itself. */
function firstWrong(bytes: Uint8Array): number {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  let at = 0;
  for (let from = 0; ;) {
    const next = text.indexOf('\ufffd', from);
    at += Buffer.byteLength(text.slice(from, next < 0 ? undefined : next));
    const isThere = bytes[at] === 0xef && bytes[at + 1] === 0xbf && bytes[at + 2] === 0xbd;
    if (next < 0 || !isThere) return at;
    at += 3;
    from = next + 1;
  }
}

/** What Chinese, Japanese and Korean text is full of, and text that only seems to be theirs is not. */
const eastern: readonly { decoder: string; shows: RegExp; share: number; encoding: Foreign }[] = [
  { decoder: 'shift_jis', shows: /[\u3040-\u30ff]/g, share: 0.3, encoding: { name: 'Shift_JIS', iconv: 'SHIFT_JIS' } },
  { decoder: 'euc-jp', shows: /[\u3040-\u30ff]/g, share: 0.3, encoding: { name: 'EUC-JP', iconv: 'EUC-JP' } },
  { decoder: 'euc-kr', shows: /[\uac00-\ud7a3]/g, share: 0.8, encoding: { name: 'EUC-KR', iconv: 'CP949' } },
  {
    decoder: 'gb18030',
    shows: /[\u4e00-\u9fff]/g,
    share: 0.5,
    encoding: { name: 'GB18030 or Big5', iconv: 'GB18030' },
  },
];

const oneByte: Foreign = { name: 'an encoding of one byte a letter, such as Windows-1251', iconv: 'WINDOWS-1251' };

/** A guess, for a hint. */
function likelyEncoding(bytes: Uint8Array): Foreign {
  const sample = bytes.subarray(0, 65_536);
  const high = sample.reduce((count, byte) => count + Number(byte >= 0x80), 0);
  const letters = Buffer.from(sample)
    .toString('latin1')
    .replaceAll(/[^a-z]/gi, '').length;
  if (high < 6 || high < letters * 0.4) return { name: 'Latin-1 (Windows-1252)', iconv: 'WINDOWS-1252' };
  const small = sample.reduce((count, byte) => count + Number(byte >= 0xe0), 0);
  if (small > high * 0.6) return oneByte; // letters of Cyrillic, most of them small ones
  for (const { decoder, shows, share, encoding } of eastern) {
    const text = new TextDecoder(decoder).decode(sample);
    const foreign = text.replaceAll(/[\u0000-\u007f]/g, '').length; // oxlint-disable-line no-control-regex
    if ((text.match(shows)?.length ?? 0) >= foreign * share && foreign > 1) return encoding;
  }
  return oneByte;
}

function convertHint(iconv: string): string {
  return `save it as UTF-8, or convert it: iconv -f ${iconv} -t UTF-8 old > new`;
}
