import type { Context } from 'hono';
import { PixtralError } from '../../base/errors.ts';
import type { Decided, Question } from '../../asking/events.ts';
import { openAiDecision } from '../../wires/openai-decisions.ts';
import { decisionRequest } from '../../wires/decision-request.ts';
import { type ServeContext, readBody, readQuestion, requestContext } from '../context.ts';

/** OpenAI's `POST /v1/decisions`. */
export async function decisions(c: Context, context: ServeContext): Promise<Response> {
  const body = await readBody(c.req.raw);
  const gone = new AbortController();
  c.req.raw.signal.addEventListener('abort', () => gone.abort(new Error('the client went away')));
  const asked = await decisionRequest(body, requestContext(context));
  const question = await readQuestion(asked, { context, cancel: gone.signal });
  return c.json(openAiDecision(await decidedOf(question, context)));
}

async function decidedOf(question: Question, { queue, metrics }: ServeContext): Promise<Decided> {
  for await (const event of queue.ask(question)) {
    if (event.kind !== 'decided') continue;
    metrics.tokens(event.decided.usage.prompt, 0);
    return event.decided;
  }
  throw new PixtralError('machine', 'the engine gave no answer');
}
