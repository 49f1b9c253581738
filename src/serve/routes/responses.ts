import { randomUUID } from 'node:crypto';
import {
  type ResponseEvent,
  type ResponseHead,
  openAiResponse,
  responseBegins,
  responseDelta,
  responseEnds,
  responseFails,
} from '../../wires/openai-response.ts';
import { responsesRequest } from '../../wires/responses-request.ts';
import { type Route, answerOf, readBody, readQuestion, requestContext, whenGone } from '../context.ts';
import { errorResponse } from '../error-body.ts';
import { eventStream } from '../event-stream.ts';

/** OpenAI's responses, whole or as events. Nothing is kept: a conversation comes with all of its turns. */
export const responses: Route = {
  method: 'post',
  path: '/v1/responses',
  asks: true,
  async answer(c, context) {
    const { record: whole, ...read } = await readBody(c);
    const { stream = false, stream_options: _, ...record } = whole;
    const gone = whenGone(c);
    const request = await responsesRequest({ ...read, record }, requestContext(context));
    const asked = context.queue.ask(await readQuestion(request, { context, cancel: gone.signal }));
    const head: ResponseHead = {
      id: `resp_${randomUUID().replaceAll('-', '')}`,
      messageId: `msg_${randomUUID().replaceAll('-', '')}`,
      createdAt: Math.floor(Date.now() / 1000),
      model: context.engine.files.name,
      body: record,
    };
    if (stream !== true) return c.json(openAiResponse(head, await answerOf(asked, context)));
    return eventStream(c, gone, async (sendEvent) => {
      let number = 0;
      const send = async (...events: ResponseEvent[]): Promise<void> => {
        for (const { type, ...fields } of events) {
          await sendEvent({ event: type, data: JSON.stringify({ type, ...fields, sequence_number: number++ }) });
        }
      };
      try {
        await send(...responseBegins(head));
        const onText = (text: string): Promise<void> => send(responseDelta(head, text));
        const answer = await answerOf(asked, { ...context, onText });
        await send(...responseEnds(head, answer));
      } catch (thrown) {
        if (gone.signal.aborted) return;
        const { status, message } = errorResponse(thrown); // the status has been sent already
        await send(responseFails(head, { code: status === 400 ? 'invalid_prompt' : 'server_error', message }));
      }
    });
  },
};
