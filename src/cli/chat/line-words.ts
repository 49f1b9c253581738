/** A word of a line, as a shell would read it. */
export interface LineWord {
  /** Without quotes and backslashes. */
  word: string;
  /** As it stands in the line. */
  raw: string;
  /** Where it begins in the line. */
  at: number;
}

const quoted = String.raw`'[^']*'|"(?:[^"\\]|\\.)*"`;
/** Quotes count where a word begins with them: an apostrophe is no quote. Terminals paste a dropped name in one of these ways. */
const posixWord = new RegExp(String.raw`(?:${quoted})(?:${quoted}|\\.|[^\s'"\\])*|(?:\\.|\S)+`, 'gsu');
/** A backslash separates folders there. */
const windowsWord = /'[^']*'|"[^"]*"|\S+/gsu;

/** The words of a line. What is no well-formed quote stays as it is. */
export function lineWords(line: string, platform: NodeJS.Platform): LineWord[] {
  const isWindows = platform === 'win32';
  return [...line.matchAll(isWindows ? windowsWord : posixWord)].map(({ 0: raw, index: at }) => ({
    word: isWindows ? raw.replace(/^(['"])(.*)\1$/s, '$2') : unquoted(raw),
    raw,
    at,
  }));
}

/** A path as it is typed at the prompt, so that `lineWords` reads it as one word. */
export function typedPath(path: string, platform: NodeJS.Platform): string {
  if (platform === 'win32') return /\s/.test(path) ? `"${path}"` : path;
  return path.replaceAll(/[\s'"\\]/gu, String.raw`\$&`);
}

function unquoted(raw: string): string {
  if (!/^['"]/.test(raw)) return raw.replaceAll(/\\(.)/gsu, '$1');
  return raw.replaceAll(
    new RegExp(String.raw`'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)`, 'gsu'),
    (_, single?: string, double?: string, escaped?: string) =>
      single ?? double?.replaceAll(/\\(["\\$\x60])/g, '$1') ?? escaped ?? '',
  );
}
