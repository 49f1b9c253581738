import type { Picture } from '../../image/decoder/load.ts';
import { type Run, encodePrompt } from '../../prompt/encode.ts';
import type { Message } from '../../prompt/message.ts';
import type { Tekken } from '../../tokenizer/tekken.ts';
import { decisionPrompt, rotationsOf } from '../../asking/decisions/decision-prompt.ts';
import { type LabelNode, depthOf, labelTree } from './label-tree.ts';
import type { DecisionQuestion, Decisions } from '../../asking/decisions/question.ts';

/** A question with its options in one order, ready to be read. */
export interface DecisionAsk {
  question: DecisionQuestion;
  runs: Run<Picture>[];
  promptTokens: number;
  tree: LabelNode;
}

export interface DecisionPlan {
  /** By question, in its orders. */
  asks: DecisionAsk[][];
  /** Tokens that the longest prompt needs, with the longest spelling that has to be followed. */
  promptTokens: number;
  followed: number;
}

/** @throws PixtralError `usage` for options that cannot be told apart, `input` for an order of roles that no template has */
export function planDecisions(
  messages: readonly Message<Picture>[],
  decisions: Decisions,
  tekken: Tekken,
): DecisionPlan {
  const asks = decisions.questions.map((question) => {
    return rotationsOf(question, decisions).map((rotation) => {
      const { text, labels } = decisionPrompt(question, { ...decisions, rotation });
      const runs = encodePrompt(withText(messages, text), tekken, { reasoningEffort: leastEffort(tekken) });
      const promptTokens = runs.reduce((sum, { ids }) => sum + ids.length, 0);
      return { question, runs, promptTokens, tree: labelTree(labels, (label) => tekken.encode(label)) };
    });
  });
  const all = asks.flat();
  return {
    asks,
    promptTokens: Math.max(...all.map(({ promptTokens }) => promptTokens)),
    followed: Math.max(...all.map(({ tree }) => depthOf(tree))),
  };
}

/** The decision is read right behind the prompt, before any thought. */
function leastEffort({ settings }: Tekken): string | undefined {
  return settings?.reasoningEffort?.values.includes('none') ? 'none' : undefined;
}

/** As a message of its own: one turn with the last, and a paragraph of its own in every version. */
function withText(messages: readonly Message<Picture>[], text: string): Message<Picture>[] {
  return [...messages, { role: 'user', content: [{ kind: 'text', text }] }];
}
