/** The world outside, as a command sees it: run.ts hands over the process's, tests hand over their own. */
export interface Io {
  stdin: {
    isTTY: boolean;
    read(): Promise<Uint8Array>;
    /** What the terminal answers to a query, up to `end`; undefined without a terminal or an answer. */
    ask(query: { text: string; end: RegExp }): Promise<string | undefined>;
  };
  stdout: Output;
  stderr: Output;
  env: Readonly<Record<string, string | undefined>>;
  /** Fires on Ctrl-C and the like. */
  signal: AbortSignal;
}

export interface Output {
  isTTY: boolean;
  /** Of the terminal. */
  columns?: number | undefined;
  write(text: string | Uint8Array): void;
}

/** Reads stdin once, however often it is asked for. */
export function onceStdin(io: Io): () => Promise<Uint8Array> {
  let bytes: Promise<Uint8Array> | undefined;
  return () => (bytes ??= io.stdin.read());
}
