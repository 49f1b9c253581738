import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main } from '../../src/cli/main.ts';

export interface CliRun {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** What is installed on this machine must not answer for a test. */
const noModels = join(tmpdir(), 'pixtral-test-no-models');
const noServers = join(tmpdir(), 'pixtral-test-no-servers');

/** Runs a command line in this process, with streams that are no terminals; `isTerminal`: but standard output. */
export async function cli(
  argv: readonly string[],
  {
    stdin,
    env = { PIXTRAL_CACHE_SIZE: '0' }, // one test must not answer for another
    signal = new AbortController().signal,
    isTerminal = false,
  }: { stdin?: Uint8Array; env?: Record<string, string>; signal?: AbortSignal; isTerminal?: boolean } = {},
): Promise<CliRun> {
  const run = { stdout: '', stderr: '' };
  const exitCode = await main(argv, {
    stdin: {
      isTTY: stdin === undefined,
      read: async () => stdin ?? new Uint8Array(),
      pieces: async function* () {
        if (stdin) yield stdin;
      },
      ask: async () => undefined,
    },
    stdout: { isTTY: isTerminal, write: (text) => void (run.stdout += asText(text)) },
    stderr: { isTTY: false, write: (text) => void (run.stderr += asText(text)) },
    env: { PIXTRAL_MODELS: noModels, PIXTRAL_RUNTIME: noServers, ...env },
    signal,
  });
  return { exitCode, ...run };
}

function asText(part: string | Uint8Array): string {
  return typeof part === 'string' ? part : Buffer.from(part).toString();
}
