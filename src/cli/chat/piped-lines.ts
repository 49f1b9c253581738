import { readLines } from '../../base/lines.ts';
import { decodeUtf8 } from '../../base/text.ts';
import { type Lines, goesOn } from './lines.ts';

/** Lines of a pipe or a file: a message each, but those that a backslash joins. Empty ones are left out. */
export function pipedLines(pieces: AsyncIterable<Uint8Array>, signal: AbortSignal): Lines {
  const messages = joined(pieces);
  return {
    next: async () => (await messages.next()).value ?? undefined,
    during: (work) => work(signal),
    close: () => void messages.return(),
  };
}

async function* joined(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string, void> {
  let open: string | undefined;
  let number = 0;
  for await (const { bytes } of readLines(pieces)) {
    const line = decodeUtf8(bytes, `standard input, line ${++number}`)
      .replace(/^\ufeff/, '')
      .replace(/\r$/, '');
    const whole: string = open === undefined ? line : `${open}\n${line}`;
    open = goesOn(line) ? whole.slice(0, -1) : undefined;
    if (open === undefined && whole.trim() !== '') yield whole;
  }
  if (open !== undefined && open.trim() !== '') yield open;
}
