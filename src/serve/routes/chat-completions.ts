import { randomUUID } from 'node:crypto';
import type { Question, QuestionEvent } from '../../asking/events.ts';
import { chatRequest } from '../../wires/chat-request.ts';
import { asRecord, numberField, wrong } from '../../wires/fields.ts';
import { chatChoice, chatUsage, finishReason, loopNote, withFirstCalls } from '../../wires/openai-chat.ts';
import {
  type Request,
  type Route,
  type ServeContext,
  answerOf,
  readBody,
  readQuestion,
  requestContext,
  whenGone,
} from '../context.ts';
import { errorBody, errorResponse } from '../error-body.ts';
import { eventStream } from '../event-stream.ts';

/** OpenAI's chat completions, whole or in pieces. */
export const chatCompletions: Route = {
  method: 'post',
  path: '/v1/chat/completions',
  asks: true,
  async answer(c, context) {
    const { record, ...read } = await readBody(c);
    const { stream = false, stream_options: streamOptions, n, parallel_tool_calls: parallel, ...body } = record;
    const choices = numberField(n ?? 1, 'body: n', { min: 1, max: mostChoices, integer: true });
    const maxCalls = mostCalls(parallel);
    const gone = whenGone(c);
    const request = await chatRequest({ ...read, record: body }, requestContext(context));
    const question = await readQuestion(request, { context, cancel: gone.signal });
    const asked = askAll(choicesOf(question, choices), { context, gone });
    const created = Math.floor(Date.now() / 1000);
    const head = { id: `chatcmpl-${randomUUID()}`, created, model: context.engine.files.name };
    if (stream !== true) return c.json(await completion(asked, { head, context, maxCalls }));
    const options = streamOptions === undefined || streamOptions === null ? {} : streamOptions;
    const withUsage = asRecord(options, 'body: stream_options')['include_usage'] === true;
    return streamed(c, { asked, head, context, maxCalls, withUsage, gone });
  },
};

/** So many answers to one question at most. */
const mostChoices = 16;

/** As vLLM does: where a client takes but one call, those behind the first are left out. */
function mostCalls(parallel: unknown): number {
  if (parallel === false) return 1;
  if (parallel === undefined || parallel === null || parallel === true) return Infinity;
  throw wrong('body: parallel_tool_calls', parallel, 'true or false');
}

/** Each by a seed of its own. */
function choicesOf(question: Question, count: number): Question[] {
  const { options } = question;
  return Array.from({ length: count }, (_, index) => ({
    ...question,
    options: { ...options, seed: (options.seed + index) % 2 ** 32 },
  }));
}

type Asked = AsyncIterable<QuestionEvent>;

/** All of them or none. */
function askAll(
  questions: readonly Question[],
  { context, gone }: { context: ServeContext; gone: AbortController },
): Asked[] {
  try {
    return questions.map((question) => context.queue.ask(question));
  } catch (thrown) {
    gone.abort(thrown);
    throw thrown;
  }
}

interface Head {
  id: string;
  created: number;
  model: string;
}

async function completion(
  asked: readonly Asked[],
  { head, context, maxCalls }: Pick<Streaming, 'head' | 'context' | 'maxCalls'>,
) {
  const answers = await Promise.all(
    asked.map(async (events) => withFirstCalls(await answerOf(events, context), maxCalls)),
  );
  const { images, timings, sampling } = answers[0]!;
  return {
    ...head,
    object: 'chat.completion',
    choices: answers.map((answer, index) => chatChoice(answer, index)),
    usage: chatUsage(answers),
    pixtral: { images, timings, sampling },
  };
}

interface Streaming {
  asked: readonly Asked[];
  head: Head;
  context: ServeContext;
  /** Of tools. */
  maxCalls: number;
  withUsage: boolean;
  gone: AbortController;
}

function streamed(c: Request, { asked, head, context: { metrics }, maxCalls, withUsage, gone }: Streaming): Response {
  return eventStream(c, gone, async (sendEvent) => {
    const send = (data: object): Promise<void> => sendEvent({ data: JSON.stringify(data) });
    const chunk = (index: number, delta: object, ending: object = { finish_reason: null }): Promise<void> =>
      send({
        ...head,
        object: 'chat.completion.chunk',
        choices: [{ index, delta, ...ending }],
        ...(withUsage && { usage: null }),
      });
    const one = async (events: Asked, index: number) => {
      await chunk(index, { role: 'assistant', content: '' });
      const whole = await answerOf(events, {
        metrics,
        onText: (content) => chunk(index, { content }),
        onThought: (thought) => chunk(index, { reasoning_content: thought }),
      });
      const answer = withFirstCalls(whole, maxCalls);
      const calls = answer.tool_calls?.map((call, at) => ({ index: at, ...call }));
      if (calls) await chunk(index, { tool_calls: calls });
      const { logprobs } = chatChoice(answer, index);
      await chunk(
        index,
        {},
        { finish_reason: finishReason(answer), ...(logprobs && { logprobs }), ...loopNote(answer) },
      );
      return answer;
    };
    try {
      const answers = await Promise.all(asked.map(one));
      if (withUsage) await send({ ...head, object: 'chat.completion.chunk', choices: [], usage: chatUsage(answers) });
    } catch (thrown) {
      if (gone.signal.aborted) return;
      await send(errorBody(errorResponse(thrown), c.req.path)); // the status has been sent already
    }
    await sendEvent({ data: '[DONE]' });
  });
}
