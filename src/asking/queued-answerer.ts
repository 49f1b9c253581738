import { Arrivals } from '../base/arrivals.ts';
import { Gate } from '../base/gate.ts';
import type { AskQueue } from './ask-queue.ts';
import type { Answerer, Asked, Endings, ItemEvent } from './answerer.ts';

/**
 * The model of a server, for work that gives way to everyone who waits for an answer. Closing it leaves the model open.
 */
export function queuedAnswerer(answerer: Answerer, queue: AskQueue): Answerer {
  const { image, takes, maxImageTokens, decisionTemplate, mostAtOnce } = answerer;
  return {
    image,
    takes,
    maxImageTokens,
    decisionTemplate,
    mostAtOnce,
    ask: () => {
      throw new Error('single questions go to the queue itself');
    },
    answer: (asked, endings) => answerQueued(asked, { ...endings, queue, mostAtOnce }),
    close: async () => {},
  };
}

/** After `stop` has fired nothing is told of questions that fail: they are as good as not asked. */
async function* answerQueued<T>(
  asked: AsyncIterable<Asked<T>>,
  { stop, queue, mostAtOnce }: Endings & { queue: AskQueue; mostAtOnce: number },
): AsyncGenerator<ItemEvent<T>, void> {
  const gate = new Gate(mostAtOnce);
  const told: ItemEvent<T>[] = [];
  let wake: (() => void) | undefined;
  const tell = (event: ItemEvent<T>): void => {
    told.push(event);
    wake?.();
  };
  const askOne = async ({ item, question }: Asked<T>): Promise<void> => {
    try {
      if (question)
        for await (const event of queue.ask({ ...question, cancel: stop }, 'background')) tell({ item, event });
      else tell({ item, event: undefined });
    } catch (error) {
      if (stop?.aborted !== true) tell({ item, event: { kind: 'failed', error } });
    } finally {
      gate.leave();
    }
  };
  const arrivals = new Arrivals(asked);
  let ended = false;
  const asking = (async () => {
    const inWork = new Set<Promise<void>>();
    for (;;) {
      await gate.enter();
      const next = stop?.aborted === true ? undefined : await arrivals.take();
      if (!next) break;
      const one = askOne(next).finally(() => inWork.delete(one));
      inWork.add(one);
    }
    await Promise.all(inWork);
  })().finally(() => {
    ended = true;
    wake?.();
  });
  asking.catch(() => {}); // thrown below
  try {
    for (;;) {
      const event = told.shift();
      if (event) yield event;
      else if (ended) break;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
    await asking;
  } finally {
    arrivals.close();
  }
}
