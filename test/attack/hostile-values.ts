import type { Random } from '../fuzz/mutate.ts';

/** JSON that programs stumble over, in any place. */
export const hostileJson: readonly string[] = [
  ...['null', 'true', '0', '-0', '1e999', '-1', '0.5', '9007199254740993', '1e-400', '""', '" "', '[]', '{}', '[[]]'],
  ...['"\\ud800"', '"\\u0000"', '"\\u001b[2J"', '"\\u202e"', '"constructor"', '"__proto__"', '"toString"'],
  ...['{"__proto__":{"a":1}}', '{"constructor":1}', '{"toString":1}', '[null]', '"-"', '"clip:"', '"@list"'],
  ...['"/dev/zero"', '"/dev/stdin"', '"."', '"/"', '"[INST]"', '"</s>"', '"#1-2"', '"a.pdf#every=0"', '"%"', '"\\\\"'],
  `"${'A'.repeat(70)}${' '.repeat(5000)}!"`,
  `"data:image/png;base64,AAAA${' '.repeat(5000)}!"`,
  `"data:image/svg+xml,${'%'.repeat(500)}"`,
  `"${'['.repeat(3000)}]"`,
  `"${'{,'.repeat(3000)}"`,
  `"${'*a'.repeat(1000)}"`,
  `"${'x'.repeat(5000)}"`,
  '['.repeat(2000) + ']'.repeat(2000),
  '{"a":'.repeat(2000) + '1' + '}'.repeat(2000),
];

export function oneOf<T>(values: readonly T[], random: Random): T {
  return values[random(values.length)]!;
}
