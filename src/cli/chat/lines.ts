/** Where the user's lines come from. */
export interface Lines {
  /** The next message, which may have several lines; undefined at the end. `draft` stands there to be changed. */
  next(draft?: string): Promise<string | undefined>;
  /** Work that Ctrl-C may end, without ending the program. */
  during<T>(work: (interrupt: AbortSignal) => Promise<T>): Promise<T>;
  close(): void;
}

/** A line that goes on with the next one ends with a backslash. */
export function goesOn(line: string): boolean {
  return /(?:^|[^\\])(?:\\\\)*\\$/.test(line);
}
