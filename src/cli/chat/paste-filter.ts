import { StringDecoder } from 'node:string_decoder';

/** What a terminal sends: keys, and what was pasted between its two marks. */
export type Input = { kind: 'keys'; text: string } | { kind: 'paste'; text: string };

/** Asks the terminal to mark what is pasted; every newline of it would end a line otherwise. */
export const pasteMode = { on: '\u001B[?2004h', off: '\u001B[?2004l' };
const marks = { begin: '\u001B[200~', end: '\u001B[201~' };

/** Tells keys and pasted text apart, wherever chunks are cut. */
export function pasteFilter(): (chunk: Uint8Array) => Input[] {
  const decoder = new StringDecoder('utf8');
  let held = '';
  let isPasting = false;
  return (chunk) => {
    const found: Input[] = [];
    held += decoder.write(Buffer.from(chunk));
    for (;;) {
      const mark = isPasting ? marks.end : marks.begin;
      const at = held.indexOf(mark);
      if (at < 0) break;
      const text = held.slice(0, at);
      if (text !== '' || isPasting) found.push({ kind: isPasting ? 'paste' : 'keys', text });
      held = held.slice(at + mark.length);
      isPasting = !isPasting;
    }
    if (isPasting) return found; // until all of it has come
    const open = openMark(held);
    const keys = held.slice(0, held.length - open);
    if (keys !== '') found.push({ kind: 'keys', text: keys });
    held = held.slice(held.length - open);
    return found;
  };
}

/** Length of a tail that may be the beginning of a mark; a lone Escape is a key. */
function openMark(text: string): number {
  for (let length = marks.begin.length - 1; length > 2; length--) {
    if (text.endsWith(marks.begin.slice(0, length))) return length;
  }
  return 0;
}

const signs = { newline: '\u240a', tab: '\u2409' };

/** As it stands in the line that is edited: newlines and tabs as visible signs, nothing that a terminal would obey. */
export function onOneLine(pasted: string): string {
  return (
    pasted
      .replaceAll(/\r\n?|\n/g, signs.newline)
      .replaceAll('\t', signs.tab)
      // oxlint-disable-next-line no-control-regex
      .replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '')
  );
}

/** And as it is sent. */
export function asSent(line: string): string {
  return line.replaceAll(signs.newline, '\n').replaceAll(signs.tab, '\t');
}
