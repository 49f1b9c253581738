/** Deeper values overflow the stack of whoever walks, prints or validates them. */
export const maxNesting = 500;

const [quote, backslash] = [0x22, 0x5c];
const [list, listEnd, object, objectEnd] = [0x5b, 0x5d, 0x7b, 0x7d];

/** Whether lists and objects of a JSON text stand in each other deeper than `maxNesting`. Asked before it is parsed. */
export function isTooDeep(json: string): boolean {
  let depth = 0;
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code === quote) at = stringEnd(json, at);
    else if (code === list || code === object) depth++;
    else if (code === listEnd || code === objectEnd) depth--;
    if (depth > maxNesting) return true;
  }
  return false;
}

/** Where the quote is that ends the string which begins at `start`; the text's end where there is none. */
export function stringEnd(json: string, start: number): number {
  for (let end = json.indexOf('"', start + 1); end >= 0; end = json.indexOf('"', end + 1)) {
    let before = end - 1;
    while (json.charCodeAt(before) === backslash) before--;
    if ((end - 1 - before) % 2 === 0) return end;
  }
  return json.length;
}

/** @throws SyntaxError for what is no JSON, Error for what is nested too deep to be walked */
export function parseShallow(json: string): unknown {
  if (isTooDeep(json)) throw new Error(`is nested more than ${maxNesting} levels deep`);
  return JSON.parse(json);
}
