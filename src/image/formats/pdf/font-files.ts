import { closeSync, existsSync, openSync, readFileSync, readSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { type FaceTraits, type ReadRange, faceCoverage, faceStarts, faceTraits, standaloneFace } from './sfnt.ts';

/** Where a face is; what it holds is read when it is asked for. */
export interface FontFace {
  path: string;
  /** Of its table directory in the file. */
  start: number;
}

export interface MachineFace extends FontFace, FaceTraits {}

/** Faces are looked through one by one; no machine has so many. */
const maxFiles = 20_000;

/** The fonts of this machine, or of the folders in `PIXTRAL_FONTS`. What cannot be read is left out. */
export function machineFaces(): MachineFace[] {
  return fontFolders()
    .flatMap(fontPaths)
    .slice(0, maxFiles)
    .flatMap((path) => {
      try {
        return withRanges(path, (read) =>
          faceStarts(read).map((start) => Object.assign(faceTraits(read, start), { path, start })),
        );
      } catch {
        return [];
      }
    });
}

export function coverageOf({ path, start }: FontFace): (codePoint: number) => boolean {
  return withRanges(path, (read) => faceCoverage(read, start));
}

/** A file of this face alone. */
export function faceBytes({ path, start }: FontFace): Uint8Array {
  return start === 0 ? readFileSync(path) : withRanges(path, (read) => standaloneFace(read, start));
}

/** @param file as `package/path`. Undefined where the package was left out of the installation. */
export function packagedFace(file: string): FontFace | undefined {
  const folders = createRequire(import.meta.url).resolve.paths(file) ?? [];
  const path = folders.map((folder) => join(folder, file)).find((candidate) => existsSync(candidate));
  return path === undefined ? undefined : { path, start: 0 };
}

function fontFolders(): string[] {
  const { PIXTRAL_FONTS: own, WINDIR = String.raw`C:\Windows`, LOCALAPPDATA = '', XDG_DATA_HOME } = process.env;
  if (own !== undefined) return own.split(delimiter).filter((folder) => folder !== '');
  const home = homedir();
  if (process.platform === 'win32') {
    return [join(WINDIR, 'Fonts'), join(LOCALAPPDATA, 'Microsoft', 'Windows', 'Fonts')];
  }
  if (process.platform === 'darwin') {
    return ['/System/Library/Fonts', '/Library/Fonts', join(home, 'Library', 'Fonts')];
  }
  return [
    '/usr/share/fonts',
    '/usr/local/share/fonts',
    '/run/current-system/sw/share/X11/fonts',
    join(XDG_DATA_HOME ?? join(home, '.local', 'share'), 'fonts'),
    join(home, '.fonts'),
  ];
}

function fontPaths(folder: string): string[] {
  try {
    const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    return paths.filter((path) => /\.(ttf|otf|ttc|otc)$/i.test(path)).map((path) => join(folder, path));
  } catch {
    return [];
  }
}

function withRanges<T>(path: string, use: (read: ReadRange) => T): T {
  const file = openSync(path, 'r');
  try {
    return use((start, length) => {
      const bytes = Buffer.alloc(length);
      return bytes.subarray(0, readSync(file, bytes, 0, length, start));
    });
  } finally {
    closeSync(file);
  }
}
