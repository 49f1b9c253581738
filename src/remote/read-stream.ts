import { PixtralError } from '../base/errors.ts';
import { ServerFault } from './fault.ts';

/** Of one event: a prompt's ids and log-probabilities are the longest. */
const maxEventLength = 16 * 2 ** 20;

/**
 * The JSON values of a stream of server-sent events, up to `[DONE]`. Source: WHATWG HTML, chapter 9.2.6.
 * @throws ServerFault for an event that is no JSON, PixtralError `machine` for one without end
 */
export async function* readStream(parts: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<unknown, void> {
  for await (const event of events(parts, name)) {
    if (event === '[DONE]') return;
    yield parsed(event, name);
  }
}

function parsed(event: string, name: string): unknown {
  try {
    return JSON.parse(event);
  } catch (cause) {
    throw new ServerFault('failed', `${name}: sent an event that is no JSON: ${event.slice(0, 60)}`, { cause });
  }
}

/** The `data` of each event. */
async function* events(parts: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<string, void> {
  const characters = new TextDecoder();
  let held = '';
  let lines: string[] = [];
  for await (const part of parts) {
    held += characters.decode(part, { stream: true });
    if (held.length > maxEventLength) throw new PixtralError('machine', `${name}: sends an event without end`);
    // A carriage return at the end may be half a line's end.
    for (let end = /\r\n|\n|\r(?!$)/.exec(held); end; end = /\r\n|\n|\r(?!$)/.exec(held)) {
      const line = held.slice(0, end.index);
      held = held.slice(end.index + end[0].length);
      if (line === '' && lines.length > 0) {
        yield lines.join('\n');
        lines = [];
      } else if (line.startsWith('data:')) lines.push(line.slice(5).replace(/^ /, ''));
    }
  }
}
