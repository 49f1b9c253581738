import type { PictureOptions } from '../asking/pictures/picture-chunks.ts';
import type { Trace } from '../base/trace.ts';
import type { Io } from './io.ts';

/** As commander gives `pictureOptions`. */
export interface PictureFlags {
  detail: PictureOptions['detail'];
  maxTiles: number;
  maxPages: number;
  text?: boolean;
  allowPrivate?: boolean;
  urlTimeout: number;
}

/** How pictures are to be read, but for what the model says. */
export function pictureSettings(
  { detail, maxTiles, maxPages, text = false, allowPrivate = false, urlTimeout }: PictureFlags,
  { io, stdin, trace }: { io: Io; stdin: () => Promise<Uint8Array>; trace?: Trace | undefined },
): Omit<PictureOptions, 'image'> {
  return {
    detail,
    maxTiles,
    maxPages,
    text: text ? 'beside' : 'none',
    allowPrivate,
    urlSeconds: urlTimeout,
    stdin,
    env: io.env,
    signal: io.signal,
    trace,
  };
}
