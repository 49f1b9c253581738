import type { WholeDistribution } from '../../decoder/log-probabilities.ts';
import type { LabelNode } from './label-tree.ts';

/** Below it the way to several options is not looked at any more: they share what is left. */
const least = 1e-6;

/**
 * Reads the probability of each option out of the model's distribution, over all its spellings and down to the token that
 * tells it from the others.
 */
export class LabelReader {
  /** By option, of the whole vocabulary's. */
  readonly probabilities: Float64Array;
  argmaxIsOption = false;
  #open: { node: LabelNode; path: readonly number[]; probability: number }[];

  constructor(tree: LabelNode, options: number) {
    this.probabilities = new Float64Array(options);
    this.#open = [{ node: tree, path: [], probability: 1 }];
  }

  /** Ids behind the prompt whose next token has to be seen now; undefined when all is known. */
  get path(): readonly number[] | undefined {
    return this.#open[0]?.path;
  }

  /** Takes the distribution after `path`. */
  see(distribution: WholeDistribution): void {
    const { node, path, probability } = this.#open.shift()!;
    if (path.length === 0) this.argmaxIsOption = node.children.has(distribution.top(1)[0]!.id);
    let goesOn = 0;
    for (const [id, child] of node.children) {
      const share = Math.exp(distribution.of(id));
      goesOn += share;
      this.#take(child, { path: [...path, id], probability: probability * share });
    }
    // An option that is also the beginning of another one: whatever does not go on to that.
    if (node.ends !== undefined) this.probabilities[node.ends]! += probability * Math.max(0, 1 - goesOn);
  }

  #take(node: LabelNode, { path, probability }: { path: readonly number[]; probability: number }): void {
    const options = [...node.options];
    if (options.length > 1 && probability >= least) this.#open.push({ node, path, probability });
    else for (const option of options) this.probabilities[option]! += probability / options.length;
  }
}
