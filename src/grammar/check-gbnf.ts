import { PixtralError } from '../base/errors.ts';
import { type GbnfItem, type GbnfRule, gbnfError, readGbnf } from './read-gbnf.ts';

/**
 * Reads a grammar and finds what could not be followed: loops, and texts that never end.
 * @throws PixtralError `input`, with line and column
 */
export function checkGbnf(text: string, where: string): GbnfRule[] {
  const source = { text, where };
  const rules = readGbnf(text, where);
  const named = new Map(rules.map((rule) => [rule.name, rule])); // the last one of a name counts, as in llama.cpp
  if (!named.has('root')) {
    throw new PixtralError('input', `${where}: no rule named root, where every grammar begins`, {
      hint: 'for one of a few answers: root ::= "yes" | "no"',
    });
  }
  for (const rule of rules) {
    for (const { name, at } of references(rule.alternatives)) {
      if (!named.has(name)) throw gbnfError(source, { at, what: `there is no rule named ${name}` });
    }
  }
  const ending = fixpoint(rules, (rule, known) =>
    rule.alternatives.some((items) => items.every((item) => ends(item, known))),
  );
  const blank = blankRules(rules);
  for (const rule of rules) {
    if (!ending.has(rule.name)) throw gbnfError(source, { at: rule.at, what: `the rule ${rule.name} never ends` });
    for (const { at, item, max } of repetitions(rule.alternatives)) {
      if (max === Infinity && isBlank(item, blank)) {
        throw gbnfError(source, { at, what: 'repeats without end what may be nothing' });
      }
    }
    if (comesFirst(rule, { named, blank })) {
      throw gbnfError(source, { at: rule.at, what: `the rule ${rule.name} begins with itself` });
    }
  }
  return rules;
}

/** Names of the rules that can be the empty text. */
export function blankRules(rules: readonly GbnfRule[]): ReadonlySet<string> {
  return fixpoint(rules, (rule, known) =>
    rule.alternatives.some((items) => items.every((item) => isBlank(item, known))),
  );
}

/** Rules that have a property, found in rounds: each may rest on what the rounds before have found. */
function fixpoint(
  rules: readonly GbnfRule[],
  holds: (rule: GbnfRule, known: ReadonlySet<string>) => boolean,
): ReadonlySet<string> {
  const known = new Set<string>();
  for (let before = -1; before < known.size;) {
    before = known.size;
    for (const rule of rules) if (holds(rule, known)) known.add(rule.name);
  }
  return known;
}

/** Whether an item can come to an end, given rules that can. */
function ends(item: GbnfItem, known: ReadonlySet<string>): boolean {
  if (item.kind === 'rule') return known.has(item.name);
  if (item.kind === 'group') return item.alternatives.some((items) => items.every((one) => ends(one, known)));
  return item.kind === 'characters' || item.min === 0 || ends(item.item, known);
}

/** Whether an item can be the empty text, given rules that can. */
export function isBlank(item: GbnfItem, known: ReadonlySet<string>): boolean {
  if (item.kind === 'rule') return known.has(item.name);
  if (item.kind === 'group') return item.alternatives.some((items) => items.every((one) => isBlank(one, known)));
  return item.kind === 'repeat' && (item.min === 0 || isBlank(item.item, known));
}

/** Whether a rule may stand at its own beginning. */
function comesFirst(
  rule: GbnfRule,
  { named, blank }: { named: ReadonlyMap<string, GbnfRule>; blank: ReadonlySet<string> },
): boolean {
  const seen = new Set<string>();
  const todo = [...firsts(rule.alternatives, blank)];
  for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
    if (name === rule.name) return true;
    if (seen.has(name)) continue;
    seen.add(name);
    todo.push(...firsts(named.get(name)!.alternatives, blank));
  }
  return false;
}

/** Rules that may stand at the beginning of one of the alternatives. */
function* firsts(alternatives: readonly GbnfItem[][], blank: ReadonlySet<string>): Generator<string> {
  for (const items of alternatives) {
    for (const item of items) {
      if (item.kind === 'rule') yield item.name;
      if (item.kind === 'group') yield* firsts(item.alternatives, blank);
      if (item.kind === 'repeat') yield* firsts([[item.item]], blank);
      if (!isBlank(item, blank)) break;
    }
  }
}

function* references(alternatives: readonly GbnfItem[][]): Generator<Extract<GbnfItem, { kind: 'rule' }>> {
  for (const item of alternatives.flat()) {
    if (item.kind === 'rule') yield item;
    if (item.kind === 'group') yield* references(item.alternatives);
    if (item.kind === 'repeat') yield* references([[item.item]]);
  }
}

function* repetitions(alternatives: readonly GbnfItem[][]): Generator<Extract<GbnfItem, { kind: 'repeat' }>> {
  for (const item of alternatives.flat()) {
    if (item.kind === 'group') yield* repetitions(item.alternatives);
    if (item.kind === 'repeat') {
      yield item;
      yield* repetitions([[item.item]]);
    }
  }
}
