/**
 * One pattern for texts that fit two, where one of them can stand behind the other, as with a beginning and an end.
 * Texts in which the two overlap are left out.
 */
export function inTurn(one: string, other: string): string | undefined {
  if ([one, other].some((pattern) => pattern.includes('|'))) return undefined;
  if (endsAnywhere(one) && beginsAnywhere(other)) return `${one}[^]*${other}`;
  return endsAnywhere(other) && beginsAnywhere(one) ? `${other}[^]*${one}` : undefined;
}

const beginsAnywhere = (pattern: string): boolean => !pattern.startsWith('^');
const endsAnywhere = (pattern: string): boolean => !/(?<!\\)(?:\\\\)*\$$/.test(pattern);
