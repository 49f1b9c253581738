import { answerEach } from './answer-each.ts';
import type { AskQueue } from './ask-queue.ts';
import type { Answerer } from './answerer.ts';

/**
 * The model of a server, for work that gives way to everyone who waits for an answer. Closing it leaves the model open.
 */
export function queuedAnswerer(answerer: Answerer, queue: AskQueue): Answerer {
  const { image, takes, maxImageTokens, decisionTemplate, tellsSchema, mostAtOnce } = answerer;
  return {
    image,
    takes,
    maxImageTokens,
    decisionTemplate,
    tellsSchema,
    mostAtOnce,
    ask: () => {
      throw new Error('single questions go to the queue itself');
    },
    answer: (asked, { stop }) =>
      answerEach(asked, {
        ask: (question) => queue.ask({ ...question, cancel: stop }, 'background'),
        mostAtOnce,
        stop,
      }),
    close: async () => {},
  };
}
