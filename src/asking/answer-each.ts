import { Arrivals } from '../base/arrivals.ts';
import { Gate } from '../base/gate.ts';
import type { Asked, Endings, ItemEvent } from './answerer.ts';
import type { Question, QuestionEvent } from './events.ts';

interface AnswerEachOptions extends Endings {
  ask: (question: Question) => AsyncIterable<QuestionEvent>;
  mostAtOnce: number;
}

/**
 * Answers many questions, each by a call of its own, several at once. After a signal has fired none is begun, and nothing
 * is told of those that fail: they are as good as not asked.
 */
export async function* answerEach<T>(
  asked: AsyncIterable<Asked<T>>,
  { ask, mostAtOnce, stop, signal }: AnswerEachOptions,
): AsyncGenerator<ItemEvent<T>, void> {
  const gate = new Gate(mostAtOnce);
  const told: ItemEvent<T>[] = [];
  let wake: (() => void) | undefined;
  const tell = (event: ItemEvent<T>): void => {
    told.push(event);
    wake?.();
  };
  const isOver = (): boolean => stop?.aborted === true || signal?.aborted === true;
  const inWork = new Set<Promise<void>>();
  const askOne = async ({ item, question }: Asked<T>): Promise<void> => {
    try {
      if (question) for await (const event of ask(question)) tell({ item, event });
      else tell({ item, event: undefined });
    } catch (error) {
      if (!isOver()) tell({ item, event: { kind: 'failed', error } });
    } finally {
      gate.leave();
    }
  };
  const arrivals = new Arrivals(asked);
  let ended = false;
  const asking = (async () => {
    for (;;) {
      await gate.enter();
      const next = isOver() ? undefined : await arrivals.take();
      if (!next || isOver()) break;
      const one = askOne(next).finally(() => {
        inWork.delete(one);
        wake?.();
      });
      inWork.add(one);
    }
    await Promise.all(inWork);
  })().finally(() => {
    ended = true;
    wake?.();
  });
  asking.catch(() => {}); // thrown below
  const onOver = (): void => wake?.();
  for (const one of [stop, signal]) one?.addEventListener('abort', onOver);
  try {
    for (;;) {
      const event = told.shift();
      if (event) yield event;
      // Whoever makes the questions may be waiting for an answer that will not come any more.
      else if (ended || (isOver() && inWork.size === 0)) break;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
    if (ended) await asking;
  } finally {
    arrivals.close();
    for (const one of [stop, signal]) one?.removeEventListener('abort', onOver);
  }
}
