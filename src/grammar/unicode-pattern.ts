/**
 * A regular expression as JSON Schema means it, in JavaScript's mode for Unicode: signs that are escaped without need
 * (`\@`, `\-`), `[\w-.]` and single braces are right without that mode only, and zod prints them; `(?P<name>`, `\A` and
 * `\z` are how pydantic's engine says it.
 */
export function unicodePattern(source: string): string {
  if (isPattern(source)) return source;
  let isInClass = false;
  const tokens = /\\[dwsDWS]-(?!\])|\\[\s\S]|\(\?P<|\{\d+(?:,\d*)?\}|[[\]{}]/g;
  const rewritten = source.replaceAll(tokens, (token) => {
    if (token.startsWith('\\')) return escaped(token, isInClass);
    if (isInClass) {
      if (token === '[' || token.length > 1) return token;
      if (token === ']') isInClass = false;
      return token;
    }
    if (token === '(?P<') return '(?<';
    if (token === '[') isInClass = true;
    return /^[\]{}]$/.test(token) ? `\\${token}` : token;
  });
  return isPattern(rewritten) ? rewritten : source;
}

function escaped(token: string, isInClass: boolean): string {
  const sign = token[1]!;
  if (token.length === 3) return isInClass ? `\\${sign}\\-` : token;
  if (sign === '-' && isInClass) return token;
  if (!isInClass && sign === 'A') return '^';
  if (!isInClass && /[zZ]/.test(sign)) return '$';
  return /[a-zA-Z0-9^$\\.*+?()[\]{}|/]/.test(sign) ? token : sign;
}

function isPattern(source: string): boolean {
  try {
    return new RegExp(source, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}
