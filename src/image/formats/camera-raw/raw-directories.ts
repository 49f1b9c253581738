import { type Directory, type Tiff, number, subDirectories, tags } from '../tiff/directories.ts';
import { photometrics } from '../tiff/layout.ts';
import type { Size } from '../opened.ts';

/** All directories, also those below others, two levels deep. */
export function allDirectories(tiff: Tiff): Directory[] {
  const below = tiff.directories.flatMap((directory) => subDirectories(tiff, directory));
  return [...tiff.directories, ...below, ...below.flatMap((directory) => subDirectories(tiff, directory))];
}

export function isRaw(tiff: Tiff, directory: Directory): boolean {
  const colours = number(tiff, directory, tags.photometric);
  return colours === photometrics.sensor || colours === photometrics.linearRaw;
}

export function sizeOf(tiff: Tiff, directory: Directory): Size {
  return {
    width: number(tiff, directory, tags.width) ?? 0,
    height: number(tiff, directory, tags.height) ?? 0,
  };
}
