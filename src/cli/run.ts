import { on } from 'node:events';
import { fstatSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import type { WriteStream } from 'node:tty';
import { PixtralError, exitCodes, errnoOf, reasonOf } from '../base/errors.ts';
import { errorJson } from '../wires/error-json.ts';
import { jsonLine } from '../wires/json.ts';
import type { Output, Terminal } from './io.ts';
import { main, signalCode } from './main.ts';

/** The only file that touches the process: its streams, signals and exit code. */
const controller = new AbortController();
const argv = process.argv.slice(2);
const descriptors = { stdout: 1, stderr: 2 };

const signals = ['SIGINT', 'SIGTERM'] as const;
for (const name of signals) process.on(name, () => endBy(name));
// A write that is refused says why; packages of node-llama-cpp's end the process where nobody else listens to this.
if (process.platform !== 'win32') process.on('SIGXFSZ', () => undefined);

const brokenPipe = 128 + constants.signals.SIGPIPE;
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') {
      process.exitCode = brokenPipe;
      controller.abort(constants.signals.SIGPIPE);
    } else if (stream === process.stdout) controller.abort(unwritable(error));
  });
}

let hasEnded = false;
process.once('beforeExit', () => {
  if (!hasEnded) endUnsettled();
});

void end(
  main(argv, {
    stdin: { isTTY: process.stdin.isTTY, read: readStdin, pieces: stdinPieces, ask: askTerminal },
    terminal: terminal(),
    stdout: output(process.stdout, descriptors.stdout),
    stderr: output(process.stderr, descriptors.stderr),
    env: process.env,
    signal: controller.signal,
  }),
);

async function end(command: Promise<number>): Promise<void> {
  const exitCode = await command;
  hasEnded = true;
  process.exitCode ??= exitCode;
  if (typeof controller.signal.reason === 'number') setTimeout(dieOfSignal, 200).unref();
}

/** A command that takes longer than this to stop waits for something that cannot be stopped. */
const graceMilliseconds = 5000;

/** The first one lets the command close its native handles; the next one is the system's own, which no work holds up. */
function endBy(name: (typeof signals)[number]): void {
  for (const other of signals) process.removeAllListeners(other);
  if (process.stderr.isTTY) process.stderr.write(showCursor); // nobody else might come to it
  controller.abort(constants.signals[name]);
  if (name === 'SIGINT') setTimeout(dieOfSignal, graceMilliseconds).unref();
}

const showCursor = '\u001B[?25h';

/** Only when something that cannot be stopped keeps the process alive; a shell reports the same exit code. */
function dieOfSignal(): void {
  const name = controller.signal.reason === constants.signals.SIGTERM ? 'SIGTERM' : 'SIGINT';
  process.removeAllListeners(name);
  process.kill(process.pid, name);
}

/** Nothing is left that could settle what the command waits for: no end that may look like success. */
function endUnsettled(): void {
  process.exitCode = controller.signal.aborted ? signalCode(controller.signal) : exitCodes.failed;
  const error = new Error('pixtral waits for something that can no longer come: this is a bug, please report it');
  process.stderr.write(argv.includes('--json') ? jsonLine({ error: errorJson(error) }) : `error: ${error.message}\n`);
}

function output(stream: WriteStream, descriptor: number): Output {
  const isFile = !stream.isTTY && isFileLike(descriptor);
  return {
    isTTY: stream.isTTY,
    get columns() {
      return stream.isTTY ? stream.columns || undefined : undefined; // a window may be resized; some say 0
    },
    write: (text) => void (isFile ? writeWhole(descriptor, text) : stream.write(text)),
  };
}

function isFileLike(descriptor: number): boolean {
  try {
    const status = fstatSync(descriptor);
    return status.isFile() || status.isCharacterDevice();
  } catch {
    return false;
  }
}

/** Node's own stream takes a part for the whole when a disk is full. */
function writeWhole(descriptor: number, text: string | Uint8Array): void {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  try {
    for (let done = 0; done < bytes.byteLength;) done += writeSync(descriptor, bytes, done);
  } catch (thrown) {
    if (descriptor === descriptors.stdout) throw unwritable(thrown);
  }
}

function unwritable(cause: unknown): PixtralError {
  const reason = errnoOf(cause) === 'ENOSPC' ? 'no space left on the disk' : reasonOf(cause);
  return new PixtralError('machine', `standard output: cannot be written: ${reason}`, {
    hint: 'the output is not whole: free some space, or write it elsewhere',
    cause,
  });
}

/** A terminal answers as if its user typed: unseen only while it is raw. */
async function askTerminal({ text, end }: { text: string; end: RegExp }): Promise<string | undefined> {
  const { stdin, stdout } = process;
  if (!stdin.isTTY || !stdout.isTTY) return undefined;
  const timeout = AbortSignal.timeout(300); // it answers at once, or over a slow line soon, or never
  stdin.setRawMode(true);
  try {
    stdout.write(text);
    let answer = '';
    for await (const [part] of on(stdin, 'data', { signal: timeout }) as AsyncIterable<[Buffer]>) {
      answer += part.toString('latin1');
      if (end.test(answer)) return answer;
    }
    return undefined;
  } catch (thrown) {
    if (timeout.aborted) return undefined;
    throw thrown;
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
  }
}

/** The lines that are typed are no results: they are shown beside them, if stderr is seen at all. */
function terminal(): Terminal | undefined {
  const output = [process.stderr, process.stdout].find(({ isTTY }) => isTTY);
  return process.stdin.isTTY && output ? { input: process.stdin, output } : undefined;
}

async function readStdin(maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of stdinPieces()) {
    length += part.byteLength;
    if (length > maxBytes) {
      throw new PixtralError('input', `standard input: is over ${maxBytes / 2 ** 20} MiB, too large to be read`);
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}

async function* stdinPieces(): AsyncGenerator<Uint8Array, void> {
  const { signal } = controller;
  const stop = (): void => void process.stdin.destroy();
  signal.addEventListener('abort', stop, { once: true });
  try {
    yield* process.stdin as AsyncIterable<Uint8Array>;
  } finally {
    signal.removeEventListener('abort', stop);
    signal.throwIfAborted();
  }
}
