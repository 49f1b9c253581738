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

/** Tokens of the longest way to a node that has to be looked at. */
export function depthOf({ options, children }: LabelNode): number {
  if (options.size < 2) return 0;
  return 1 + Math.max(0, ...[...children.values()].map(depthOf));
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
