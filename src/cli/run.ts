import { on } from 'node:events';
import { constants } from 'node:os';
import type { WriteStream } from 'node:tty';
import type { Output } from './io.ts';
import { main, signalCode } from './main.ts';

/** The only file that touches the process: its streams, signals and exit code. */
const controller = new AbortController();

for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    // The first one lets the command close its native handles; whoever repeats it does not want to wait.
    if (controller.signal.aborted) process.exit(signalCode(controller.signal));
    controller.abort(constants.signals[name]);
  });
}

const brokenPipe = 128 + constants.signals.SIGPIPE;
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exitCode = brokenPipe;
    controller.abort(constants.signals.SIGPIPE);
  });
}

const exitCode = await main(process.argv.slice(2), {
  stdin: { isTTY: process.stdin.isTTY, read: readStdin, ask: askTerminal },
  stdout: output(process.stdout),
  stderr: output(process.stderr),
  env: process.env,
  signal: controller.signal,
});
process.exitCode ??= exitCode;
if (controller.signal.aborted) setTimeout(dieOfSignal, 200).unref();

/** Only when native work that cannot be stopped keeps the process alive; a shell reports the same exit code. */
function dieOfSignal(): void {
  const name = controller.signal.reason === constants.signals.SIGTERM ? 'SIGTERM' : 'SIGINT';
  process.removeAllListeners(name);
  process.kill(process.pid, name);
}

function output(stream: WriteStream): Output {
  return {
    isTTY: stream.isTTY,
    get columns() {
      return stream.isTTY ? stream.columns : undefined; // a window may be resized
    },
    write: (text) => void stream.write(text),
  };
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

async function readStdin(): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of process.stdin) parts.push(part as Uint8Array);
  return Buffer.concat(parts);
}
