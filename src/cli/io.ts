/** The world outside, as a command sees it: run.ts hands over the process's, tests hand over their own. */
export interface Io {
  stdin: {
    isTTY: boolean;
    /** All of it. @throws PixtralError `input` for more than `maxBytes` */
    read(maxBytes: number): Promise<Uint8Array>;
    /** As it comes; where there is only the whole of it, that has to do. */
    pieces?(): AsyncIterable<Uint8Array>;
    /** What the terminal answers to a query, up to `end`; undefined without a terminal or an answer. */
    ask(query: { text: string; end: RegExp }): Promise<string | undefined>;
  };
  /** To type at; undefined where there is none. */
  terminal?: Terminal | undefined;
  stdout: Output;
  stderr: Output;
  env: Readonly<Record<string, string | undefined>>;
  /** Fires on Ctrl-C and the like. */
  signal: AbortSignal;
}

/** Keys as they are typed, and a screen that shows them. */
export interface Terminal {
  input: Pick<NodeJS.ReadStream, 'on' | 'off' | 'resume' | 'pause' | 'setRawMode'>;
  output: NodeJS.WritableStream;
}

export interface Output {
  isTTY: boolean;
  /** Of the terminal. */
  columns?: number | undefined;
  write(text: string | Uint8Array): void;
}

/** Whether a terminal may be written to in colours: `--no-color` and NO_COLOR forbid them. */
export function hasColor({ color }: { color: boolean }, { env }: Pick<Io, 'env'>): boolean {
  return color && env['NO_COLOR'] === undefined;
}

/** One picture or a prompt: as much as a picture's file may have. */
export const pictureStdinBytes = 200 * 2 ** 20;
/** Records with pictures in them; a file has no such limit, since it is not kept in memory. */
export const recordsStdinBytes = 2 ** 30;

/** Reads stdin once, however often it is asked for. */
export function onceStdin(io: Io, maxBytes: number): () => Promise<Uint8Array> {
  let bytes: Promise<Uint8Array> | undefined;
  return () => (bytes ??= io.stdin.read(maxBytes));
}
