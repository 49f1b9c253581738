/** What `var()` and `light-dark()` mean at one element. */
export interface ValueContext {
  /** The value of a custom property, worked out; its name has two dashes before it. */
  property(name: string): string | undefined;
  /** Of `light-dark()` the second. */
  isDark: boolean;
}

/** Brackets within brackets. */
const maxDepth = 20;
/** Variables that double one another would fill the memory: longer values are none. */
const maxLength = 100_000;

/** A value with its variables, colours by scheme and sums worked out. Source: CSS Custom Properties; CSS Color 5; CSS Values 10. */
export function resolved(value: string, context: ValueContext, depth = 0): string {
  if (!/var\(|light-dark\(|calc\(/i.test(value) || depth > maxDepth || value.length > maxLength) return value;
  return replaceCalls(value, (name, content) => {
    const [first = '', ...rest] = argumentsOf(content);
    if (name === 'light-dark') return resolved((context.isDark ? rest[0] : first)?.trim() ?? '', context, depth + 1);
    if (name === 'calc') return calculated(resolved(content, context, depth + 1));
    const found = context.property(first.trim());
    const fallback = rest.length > 0 ? rest.join(',').trim() : '';
    return resolved(found ?? fallback, context, depth + 1);
  });
}

function replaceCalls(value: string, replace: (name: string, content: string) => string): string {
  const call = /(?<![\w-])(var|light-dark|calc)\(/gi;
  let result = '';
  let at = 0;
  for (let found = call.exec(value); found; found = call.exec(value)) {
    const start = found.index + found[0].length;
    const end = closing(value, start);
    result += value.slice(at, found.index) + replace(found[1]!.toLowerCase(), value.slice(start, end));
    at = end + 1;
    call.lastIndex = at;
    if (result.length > maxLength) return '';
  }
  return result + value.slice(at);
}

/** Where the bracket that is open at `start` closes. */
function closing(value: string, start: number): number {
  let depth = 1;
  for (let at = start; at < value.length; at++) {
    if (value[at] === '(') depth += 1;
    if (value[at] === ')' && --depth === 0) return at;
  }
  return value.length;
}

/** Separated by commas that stand in no brackets. */
function argumentsOf(content: string): string[] {
  const found: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < content.length; at++) {
    if (content[at] === '(') depth += 1;
    if (content[at] === ')') depth -= 1;
    if (content[at] === ',' && depth === 0) {
      found.push(content.slice(start, at));
      start = at + 1;
    }
  }
  return [...found, content.slice(start)];
}

/** Sums and products of numbers with one unit in all; anything else stays as it is written. */
function calculated(expression: string): string {
  const tokens = expression.match(/[\d.]+(?:e[+-]?\d+)?(?:px|%|em|deg)?|[-+*/()]/gi) ?? [];
  const units = new Set(tokens.map((token) => /^[\d.].*?(px|%|em|deg)$/i.exec(token)?.[1]).filter(Boolean));
  if (units.size > 1 || tokens.join('').length !== expression.replace(/\s/g, '').length) return `calc(${expression})`;
  const value = sum(tokens);
  return Number.isFinite(value) && tokens.length === 0 ? `${value}${[...units][0] ?? ''}` : `calc(${expression})`;
}

/** Takes its tokens from the front. */
function sum(tokens: string[]): number {
  let value = term(tokens);
  while (tokens[0] === '+' || tokens[0] === '-') value += tokens.shift() === '+' ? term(tokens) : -term(tokens);
  return value;
}

function term(tokens: string[]): number {
  let value = factor(tokens);
  while (tokens[0] === '*' || tokens[0] === '/') value *= tokens.shift() === '*' ? factor(tokens) : 1 / factor(tokens);
  return value;
}

function factor(tokens: string[]): number {
  const token = tokens.shift() ?? '';
  if (token === '-') return -factor(tokens);
  if (token !== '(') return Number.parseFloat(token);
  const value = sum(tokens);
  tokens.shift();
  return value;
}
