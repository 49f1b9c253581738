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
      const runs = encodePrompt(withText(messages, text), tekken);
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

function withText(messages: readonly Message<Picture>[], text: string): Message<Picture>[] {
  const last = messages.at(-1)!;
  return [...messages.slice(0, -1), { ...last, content: [...last.content, { kind: 'text', text }] }];
}
