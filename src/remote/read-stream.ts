import { PixtralError } from '../base/errors.ts';
import { ServerFault } from './fault.ts';
import { parseReply } from './json.ts';

/** Of one event: a prompt's ids and log-probabilities are the longest. */
const maxEventLength = 16 * 2 ** 20;
/** Of all of them: an answer of 100,000 tokens with log-probabilities. */
const maxStreamBytes = 128 * 2 ** 20;

/**
 * The JSON values of a stream of server-sent events, up to `[DONE]`. Source: WHATWG HTML, chapter 9.2.6.
 * @throws ServerFault for an event that is no JSON, and where only comments come; PixtralError `machine` for one without end
 */
export async function* readStream(
  parts: AsyncIterable<Uint8Array>,
  from: { name: string; stallMilliseconds: number },
): AsyncGenerator<unknown, void> {
  const { name } = from;
  for await (const event of events(parts, from)) {
    if (event === '[DONE]') return;
    yield parsed(event, name);
  }
}

function parsed(event: string, name: string): unknown {
  try {
    return parseReply(event);
  } catch (cause) {
    throw new ServerFault('failed', `${name}: sent an event that is no JSON: ${event.slice(0, 60)}`, { cause });
  }
}

/** The `data` of each event. Each part is looked at once, however long the line is that it belongs to. */
async function* events(
  parts: AsyncIterable<Uint8Array>,
  { name, stallMilliseconds }: { name: string; stallMilliseconds: number },
): AsyncGenerator<string, void> {
  const characters = new TextDecoder();
  let held: string[] = []; // the beginning of a line
  let lines: string[] = [];
  let length = 0;
  let isHalf = false; // of a line's end: a carriage return at the end of a part
  let byteLength = 0;
  let lastEvent = performance.now();
  for await (const part of parts) {
    byteLength += part.byteLength;
    if (byteLength > maxStreamBytes) throw new PixtralError('machine', `${name}: sends an answer without end`);
    if (performance.now() - lastEvent > stallMilliseconds) {
      throw new ServerFault('failed', `${name}: has sent no part of an answer for ${stallMilliseconds / 1000} s`);
    }
    const decoded = characters.decode(part, { stream: true });
    if (decoded === '') continue;
    const text = isHalf && decoded.startsWith('\n') ? decoded.slice(1) : decoded;
    isHalf = decoded.endsWith('\r');
    const [first = '', ...begun] = text.split(/\r\n|\n|\r/);
    held.push(first);
    length += text.length;
    for (const beginning of begun) {
      const line = held.join('');
      held = [beginning];
      if (line === '' && lines.length > 0) {
        yield lines.join('\n');
        lines = [];
        lastEvent = performance.now();
      } else if (line.startsWith('data:')) lines.push(line.slice(5).replace(/^ /, ''));
      if (lines.length === 0) length = beginning.length;
    }
    if (length > maxEventLength) throw new PixtralError('machine', `${name}: sends an event without end`);
  }
}
