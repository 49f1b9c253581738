import { decisionRequest } from '../../wires/decision-request.ts';
import { openAiDecision } from '../../wires/openai-decisions.ts';
import { type Route, decidedOf, readBody, readQuestion, requestContext, whenGone } from '../context.ts';

/** OpenAI's decisions: a probability for each option. */
export const decisions: Route = {
  method: 'post',
  path: '/v1/decisions',
  asks: true,
  async answer(c, context) {
    const body = await readBody(c);
    const gone = whenGone(c);
    const request = await decisionRequest(body, requestContext(context));
    const question = await readQuestion(request, { context, cancel: gone.signal });
    return c.json(openAiDecision(await decidedOf(context.queue.ask(question), context)));
  },
};
