import { randomUUID } from 'node:crypto';
import {
  type MessageEvent,
  type MessageHead,
  anthropicMessage,
  messageBegins,
  messageDelta,
  messageEnds,
} from '../../wires/anthropic-message.ts';
import { messagesRequest } from '../../wires/messages-request.ts';
import { type Route, answerOf, readBody, readQuestion, requestContext, whenGone } from '../context.ts';
import { errorBody, errorResponse } from '../error-body.ts';
import { eventStream } from '../event-stream.ts';

/** Anthropic's messages, whole or as events. */
export const messages: Route = {
  method: 'post',
  path: '/v1/messages',
  asks: true,
  async answer(c, context) {
    const { record: body, ...read } = await readBody(c);
    const { stream = false, ...record } = body;
    const gone = whenGone(c);
    const request = await messagesRequest({ ...read, record }, requestContext(context));
    const asked = context.queue.ask(await readQuestion(request, { context, cancel: gone.signal }));
    const id = `msg_${randomUUID().replaceAll('-', '')}`;
    const head: MessageHead = { id, model: context.engine.files.name };
    if (stream !== true) return c.json(anthropicMessage(head, await answerOf(asked, context)));
    return eventStream(c, gone, async (sendEvent) => {
      const send = async (...events: MessageEvent[]): Promise<void> => {
        for (const event of events) await sendEvent({ event: event.type, data: JSON.stringify(event) });
      };
      try {
        await send(...messageBegins(head));
        const answer = await answerOf(asked, { ...context, onText: (text) => send(messageDelta(text)) });
        await send(...messageEnds(answer));
      } catch (thrown) {
        if (gone.signal.aborted) return;
        const body = errorBody(errorResponse(thrown), c.req.path); // the status has been sent already
        await sendEvent({ event: 'error', data: JSON.stringify(body) });
      }
    });
  },
};

/** Tokens that a question of it would have; nothing is asked. */
export const countTokens: Route = {
  method: 'post',
  path: '/v1/messages/count_tokens',
  asks: true,
  async answer(c, context) {
    const request = await messagesRequest(await readBody(c), requestContext(context));
    const question = await readQuestion(request, { context, cancel: whenGone(c).signal });
    return c.json({ input_tokens: context.engine.promptTokens(question) });
  },
};
