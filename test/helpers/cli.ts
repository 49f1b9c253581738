import { main } from '../../src/cli/main.ts';

export interface CliRun {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** Runs a command line in this process, with streams that are no terminals. */
export async function cli(
  argv: readonly string[],
  {
    stdin,
    env = {},
    signal = new AbortController().signal,
  }: { stdin?: Uint8Array; env?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<CliRun> {
  const run = { stdout: '', stderr: '' };
  const exitCode = await main(argv, {
    stdin: { isTTY: stdin === undefined, read: async () => stdin ?? new Uint8Array(), ask: async () => undefined },
    stdout: { isTTY: false, write: (text) => void (run.stdout += asText(text)) },
    stderr: { isTTY: false, write: (text) => void (run.stderr += asText(text)) },
    env,
    signal,
  });
  return { exitCode, ...run };
}

function asText(part: string | Uint8Array): string {
  return typeof part === 'string' ? part : Buffer.from(part).toString();
}
