import { damaged } from '../damaged.ts';
import { ascii, cutShort } from '../opened.ts';

const end = '%%EOF';
/** Enough for the keywords that follow the last object of a file without an end mark. */
const tailLength = 1024;

/**
 * A PDF that was cut opens with fewer pages, or with blank ones. Whole is one that has nothing but what is no PDF
 * after its last end mark: zeros of a tape, the footer of a web page.
 * @throws PixtralError `input`
 */
export function checkEnd(bytes: Uint8Array, name: string): void {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const mark = file.lastIndexOf(end);
  const isWhole = mark < 0 ? endsWithTable(file) : !/\d\s+\d\s+obj\b/.test(tailOf(file, mark)) && hasItsLength(file);
  if (!isWhole) throw damaged(name, 'PDF', cutShort);
}

/** Programs exist that leave the mark out. */
function endsWithTable(file: Buffer): boolean {
  return /startxref\s+\d+\s*$/.test(ascii(file, Math.max(0, file.byteLength - tailLength), tailLength));
}

function tailOf(file: Buffer, mark: number): string {
  return file.toString('latin1', mark + end.length, mark + end.length + tailLength);
}

/**
 * A linearized file has its first end mark near its beginning, and says in its first object how long it is. Programs
 * that write it anew leave that object behind others.
 */
function hasItsLength(file: Buffer): boolean {
  const opening = ascii(file, 0, tailLength);
  const first = /\d+\s+\d+\s+obj\b/.exec(opening)?.index ?? 0;
  const length = /^\d+\s+\d+\s+obj\s*<<[^>]*\/Linearized[^>]*\/L\s+(\d+)/.exec(opening.slice(first))?.[1];
  return length === undefined || file.byteLength >= Number(length);
}
