import { type ByteNode, ByteClasses } from './byte-class.ts';
import { blankRules, checkGbnf, isBlank } from './check-gbnf.ts';
import type { GbnfItem } from './read-gbnf.ts';

/** A grammar whose terminals are bytes. */
export type ByteItem =
  | { kind: 'character'; node: ByteNode }
  | { kind: 'choice'; alternatives: (Position | undefined)[] }
  /** `takesBytes`: none of its rounds is the empty text. */
  | { kind: 'repeat'; alternatives: (Position | undefined)[]; min: number; max: number; takesBytes: boolean };

/** An item and what follows it; undefined where nothing does. */
export interface Position {
  readonly id: number;
  readonly item: ByteItem;
  readonly next: Position | undefined;
}

/**
 * The beginnings of a grammar in GBNF.
 * @throws PixtralError `input` when it is wrong
 */
export function byteGrammar(gbnf: string): (Position | undefined)[] {
  const rules = checkGbnf(gbnf, 'grammar');
  const classes = new ByteClasses();
  const blank = blankRules(rules);
  const beginnings = new Map<string, (Position | undefined)[]>(rules.map(({ name }) => [name, []]));
  let count = 0;

  for (const { name, alternatives } of new Map(rules.map((rule) => [rule.name, rule])).values()) {
    beginnings.get(name)!.push(...alternatives.map(sequence));
  }
  return beginnings.get('root')!;

  function sequence(items: readonly GbnfItem[]): Position | undefined {
    return items.reduceRight<Position | undefined>(
      (next, item) => ({ id: count++, item: byteItem(item), next }),
      undefined,
    );
  }

  function byteItem(item: GbnfItem): ByteItem {
    if (item.kind === 'characters') return { kind: 'character', node: classes.node(item.ranges) };
    if (item.kind === 'rule') return { kind: 'choice', alternatives: beginnings.get(item.name)! };
    if (item.kind === 'group') return { kind: 'choice', alternatives: item.alternatives.map(sequence) };
    const { min, max } = item;
    return { kind: 'repeat', alternatives: [sequence([item.item])], min, max, takesBytes: !isBlank(item.item, blank) };
  }
}
