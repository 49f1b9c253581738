/** A file of a repository or torrent, with what it can be checked against. */
export interface RemoteFile {
  /** Relative, with slashes. */
  path: string;
  byteLength: number;
  /** Of the whole file, in hex. */
  sha256: string | undefined;
  /** Git's name of a small file: SHA-1 of its length and bytes. */
  gitId: string | undefined;
}

/** A range of a file. */
export interface RemoteRange {
  path: string;
  /** First byte. */
  start: number;
  /** After the last byte. */
  end: number;
}

/** One revision of weights that are elsewhere. What it lists does not change while it is open. */
export interface Remote {
  /** What `pixtral pull` takes to find it again. */
  source: string;
  /** A short name for messages: `mistralai/Pixtral-12B-2409`. */
  label: string;
  /** `Pixtral-12B-2409`: what a folder of it is called. */
  name: string;
  /** Commit or infohash. */
  revision: string;
  files: RemoteFile[];
  /**
   * Exactly the bytes of the range, however often the line breaks.
   * @param target as long as the range: where they are to stand; left out: in memory of their own
   */
  read(range: RemoteRange, signal: AbortSignal, target?: Uint8Array): Promise<Uint8Array>;
  /** What came over the line so far, also what had to be thrown away. */
  fetchedBytes(): number;
  /**
   * Where all of it is to be kept: fetches what is not there yet, reads back what is, and gives it its name.
   * @returns where it is
   */
  keepAll?(onProgress: (doneBytes: number, totalBytes: number) => void): Promise<string>;
  /** Where all of it is to be kept: bytes that are not there yet. */
  missing?(): Promise<{ folder: string; bytes: number }>;
  close(): Promise<void>;
}
