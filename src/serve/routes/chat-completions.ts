import { randomUUID } from 'node:crypto';
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import { PixtralError } from '../../base/errors.ts';
import type { Answer, Question } from '../../asking/events.ts';
import { chatChoice, chatUsage, finishReason, loopNote } from '../../wires/openai-chat.ts';
import { chatRequest } from '../../wires/chat-request.ts';
import { asRecord, numberField } from '../../wires/fields.ts';
import { type ServeContext, readBody, readQuestion, requestContext } from '../context.ts';
import { errorResponse } from '../error-body.ts';

/** So many answers to one question at most. */
const mostChoices = 16;

/** OpenAI's `POST /v1/chat/completions`. */
export async function chatCompletions(c: Context, context: ServeContext): Promise<Response> {
  const { record, ...read } = await readBody(c.req.raw);
  const { stream = false, stream_options: streamOptions, n = 1, ...body } = record;
  const choices = numberField(n ?? 1, 'body: n', { min: 1, max: mostChoices, integer: true });
  const gone = new AbortController();
  c.req.raw.signal.addEventListener('abort', () => gone.abort(new Error('the client went away')));
  const request = await chatRequest({ ...read, record: body }, requestContext(context));
  const question = await readQuestion(request, { context, cancel: gone.signal });
  const asked = Array.from({ length: choices }, (_, index): Question => {
    const { options } = question;
    return { ...question, options: { ...options, seed: (options.seed + index) % 2 ** 32 } };
  });
  const head = {
    id: `chatcmpl-${randomUUID()}`,
    created: Math.floor(Date.now() / 1000),
    model: context.engine.files.name,
  };
  if (stream !== true) return c.json(await completion(asked, { head, context }));
  const withUsage =
    streamOptions !== undefined &&
    streamOptions !== null &&
    asRecord(streamOptions, 'body: stream_options')['include_usage'] === true;
  return streamed(c, { asked, head, context, withUsage, gone });
}

interface Head {
  id: string;
  created: number;
  model: string;
}

async function completion(asked: readonly Question[], { head, context }: { head: Head; context: ServeContext }) {
  const answers = await Promise.all(asked.map((question) => answerOf(question, context)));
  return {
    ...head,
    object: 'chat.completion',
    choices: answers.map((answer, index) => chatChoice(answer, index)),
    usage: chatUsage(answers),
    pixtral: { images: answers[0]!.images, timings: answers[0]!.timings, sampling: answers[0]!.sampling },
  };
}

async function answerOf(question: Question, { queue, metrics }: ServeContext): Promise<Answer> {
  for await (const event of queue.ask(question)) {
    if (event.kind !== 'answer') continue;
    metrics.tokens(event.answer.usage.prompt, event.answer.usage.completion);
    return event.answer;
  }
  throw new PixtralError('machine', 'the engine gave no answer');
}

interface Streaming {
  asked: readonly Question[];
  head: Head;
  context: ServeContext;
  withUsage: boolean;
  gone: AbortController;
}

function streamed(c: Context, { asked, head, context, withUsage, gone }: Streaming): Response {
  return streamSSE(c, async (sse) => {
    sse.onAbort(() => gone.abort(new Error('the client went away')));
    const send = (data: object): Promise<void> => sse.writeSSE({ data: JSON.stringify(data) });
    const chunk = (index: number, delta: object, ending: object = { finish_reason: null }): Promise<void> =>
      send({
        ...head,
        object: 'chat.completion.chunk',
        choices: [{ index, delta, ...ending }],
        ...(withUsage && { usage: null }),
      });
    try {
      const answers = await Promise.all(asked.map((question, index) => streamOne(question, { index, chunk, context })));
      if (withUsage) await send({ ...head, object: 'chat.completion.chunk', choices: [], usage: chatUsage(answers) });
    } catch (thrown) {
      if (gone.signal.aborted) return;
      await send(errorResponse(thrown).body); // the status has been sent already
    }
    await sse.writeSSE({ data: '[DONE]' });
  });
}

async function streamOne(
  question: Question,
  {
    index,
    chunk,
    context,
  }: {
    index: number;
    chunk: (index: number, delta: object, ending?: object) => Promise<void>;
    context: ServeContext;
  },
): Promise<Answer> {
  await chunk(index, { role: 'assistant', content: '' });
  for await (const event of context.queue.ask(question)) {
    if (event.kind === 'thought') await chunk(index, { reasoning_content: event.text });
    if (event.kind === 'text') await chunk(index, { content: event.text });
    if (event.kind !== 'answer') continue;
    const { answer } = event;
    context.metrics.tokens(answer.usage.prompt, answer.usage.completion);
    if (answer.tool_calls)
      await chunk(index, { tool_calls: answer.tool_calls.map((call, at) => ({ index: at, ...call })) });
    const { logprobs } = chatChoice(answer, index);
    await chunk(index, {}, { finish_reason: finishReason(answer), ...(logprobs && { logprobs }), ...loopNote(answer) });
    return answer;
  }
  throw new PixtralError('machine', 'the engine gave no answer');
}
