import { spellings } from '../../asking/decisions/spellings.ts';
import { PixtralError } from '../../base/errors.ts';

/** Ways to spell options, token by token. */
export interface LabelNode {
  /** The option that is spelled out here. */
  ends: number | undefined;
  /** By token id. */
  children: Map<number, LabelNode>;
  /** All that can still be spelled from here on. */
  options: Set<number>;
}

/**
 * The tree of all spellings of the labels: as they are, in small letters, capitals, with a capital first, each also after
 * a blank.
 * @throws PixtralError `input` when two labels are spelled alike
 */
export function labelTree(labels: readonly string[], encode: (text: string) => readonly number[]): LabelNode {
  const root = newNode();
  for (const [option, label] of labels.entries()) {
    for (const spelling of spellings(label)) insert(root, encode(spelling), { option, labels });
  }
  return root;
}

/** Tokens by which a word that begins like an option shows itself to be another one; options may be whole sentences. */
const mostTold = 4;

/** Whether what comes next is to be looked at. @param told tokens since only one option was left */
export function isToBeSeen({ options, children, ends }: LabelNode, told: number): boolean {
  if (options.size > 1) return true;
  return children.size > 0 && ends === undefined && told <= mostTold;
}

/** Tokens since only one option was left, at a child of a node where these are `told`. */
export function toldAt({ options }: LabelNode, told: number): number {
  return options.size === 1 ? told + 1 : 0;
}

/** Tokens of the longest way to a node that has to be looked at. */
export function depthOf(node: LabelNode, told = 0): number {
  if (!isToBeSeen(node, told)) return 0;
  const below = [...node.children.values()].map((child) => depthOf(child, toldAt(child, told)));
  return 1 + Math.max(0, ...below);
}

function insert(
  root: LabelNode,
  ids: readonly number[],
  { option, labels }: { option: number; labels: readonly string[] },
): void {
  let node = root;
  node.options.add(option);
  for (const id of ids) {
    const next = node.children.get(id) ?? newNode();
    node.children.set(id, next);
    next.options.add(option);
    node = next;
  }
  if (node.ends !== undefined && node.ends !== option) {
    throw new PixtralError(
      'input',
      `options ${JSON.stringify(labels[node.ends])} and ${JSON.stringify(labels[option])}: are spelled alike, expected different ones`,
      { hint: 'capitals make no difference; --labels letters tells them apart' },
    );
  }
  node.ends = option;
}

function newNode(): LabelNode {
  return { ends: undefined, children: new Map(), options: new Set() };
}
