import type { WholeDistribution } from '../../decoder/log-probabilities.ts';
import { type LabelNode, isToBeSeen, toldAt } from './label-tree.ts';

/** Below it the way to several options is not looked at any more: they share what is left. */
const least = 1e-6;
/** Below it an option that has begun is taken for said. */
const leastOfOne = 0.01;

interface Open {
  node: LabelNode;
  path: readonly number[];
  probability: number;
  /** Tokens since only one option was left. */
  told: number;
}

/**
 * Reads the probability of each option out of the model's distribution, over all its spellings: down to the token that
 * tells it from the others, and on to its end or a few tokens further, as the model may mean a word that is no option.
 */
export class LabelReader {
  /** By option, of the whole vocabulary's. */
  readonly probabilities: Float64Array;
  argmaxIsOption = false;
  #open: Open[];

  constructor(tree: LabelNode, options: number) {
    this.probabilities = new Float64Array(options);
    this.#open = [{ node: tree, path: [], probability: 1, told: 0 }];
  }

  /** Ids behind the prompt whose next token has to be seen now; undefined when all is known. */
  get path(): readonly number[] | undefined {
    return this.#open[0]?.path;
  }

  /** Takes the distribution after `path`. */
  see(distribution: WholeDistribution): void {
    const { node, path, probability, told } = this.#open.shift()!;
    if (path.length === 0) this.argmaxIsOption = node.children.has(distribution.top(1)[0]!.id);
    let goesOn = 0;
    for (const [id, child] of node.children) {
      const share = Math.exp(distribution.of(id));
      goesOn += share;
      this.#take({ node: child, path: [...path, id], probability: probability * share, told: toldAt(child, told) });
    }
    // An option that is also the beginning of another one: whatever does not go on to that.
    if (node.ends !== undefined) this.probabilities[node.ends]! += probability * Math.max(0, 1 - goesOn);
  }

  #take(open: Open): void {
    const { node, probability, told } = open;
    const options = [...node.options];
    if (isToBeSeen(node, told) && probability >= (options.length > 1 ? least : leastOfOne)) this.#open.push(open);
    else for (const option of options) this.probabilities[option]! += probability / options.length;
  }
}
