import type { Random } from './random.ts';

const oddNumbers = [0, -1, 1, 2, 3, 0.5, 1e9, 2 ** 31, 2 ** 53, -(2 ** 31), 1e308, 1e-300, 7, 48, 97, 513];
const oddTexts = ['', 'null', '../../etc/passwd', '\ud800', 'x'.repeat(100_000), '\u0000', '__proto__', 'silu', '-1'];

/** The text of a JSON file with one or two things changed: values, keys, what stands twice, depth, bytes. */
export function mutateJson(text: string, random: Random): { text: string; what: string } {
  if (random.chance(0.15)) return deform(text, random);
  const root: unknown = JSON.parse(text);
  const notes: string[] = [];
  for (let left = 1 + random.below(2); left > 0; left--) notes.push(mutateValue(root, random));
  return { text: JSON.stringify(root), what: notes.join('; ') };
}

/** What a JSON writer would not write. */
function deform(text: string, random: Random): { text: string; what: string } {
  const depth = 1000 + random.below(60_000);
  const forms: Record<string, () => string> = {
    'thousands of arrays': () => '['.repeat(depth) + ']'.repeat(depth),
    'thousands of arrays, none closed': () => '['.repeat(depth),
    'thousands of objects in a field': () =>
      text.replace('{', `{"deep":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)},`),
    'a cut': () => text.slice(0, random.below(text.length)),
    'fields that stand twice': () => text.replace(/^(\s*\{)([^,{}[\]]+),/, '$1$2,$2,$2,'),
    'a huge string': () => text.replace('{', `{"huge":"${'y'.repeat(900_000)}",`),
    'a lone surrogate': () => text.replace('{', '{"\\ud800":"\\udfff",'),
    'a prototype': () => text.replace('{', '{"__proto__":{"dim":1},"constructor":1,'),
    nothing: () => '',
    'another type': () => random.pick(['null', '[]', '1', '"text"', 'true', '{}']),
    'a number with a million digits': () => text.replace(/\d+/, '9'.repeat(1_000_000)),
  };
  const what = random.pick(Object.keys(forms));
  return { text: forms[what]!(), what };
}

function mutateValue(root: unknown, random: Random): string {
  let holder = root as Record<string, unknown>;
  let path = '';
  for (;;) {
    const keys = Object.keys(holder);
    if (keys.length === 0) return 'nothing';
    const key = random.pick(keys);
    path += `/${key.slice(0, 40)}`;
    const value = holder[key];
    if (typeof value === 'object' && value !== null && !random.chance(0.15)) {
      holder = value as Record<string, unknown>;
      continue;
    }
    if (random.chance(0.2)) delete holder[key];
    else holder[key] = oddValue(value, random);
    return path;
  }
}

function oddValue(value: unknown, random: Random): unknown {
  if (typeof value === 'number' && random.chance(0.6)) {
    return random.pick([value + 1, value - 1, value * 2, value / 2, -value, value * 1000]);
  }
  return random.pick<unknown>([...oddNumbers, ...oddTexts, null, true, false, [], {}, [[]], [1, 2, 3], { a: 1 }]);
}
