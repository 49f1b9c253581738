import type { Request, Route, ServeContext } from '../context.ts';
import { RequestError } from '../error-body.ts';

export const models: Route = {
  method: 'get',
  path: '/v1/models',
  answer(c, context) {
    const shape = modelShape(context);
    const ends = { has_more: false, first_id: shape.id, last_id: shape.id };
    return c.json({ object: 'list', data: [forClient(c, shape)], ...(isAnthropic(c) && ends) });
  },
};

export const model: Route = {
  method: 'get',
  path: '/v1/models/:model{.+}',
  answer(c, context) {
    const shape = modelShape(context);
    const asked = c.req.param('model');
    if (asked !== shape.id) throw new RequestError(404, `model ${asked}: is not here, expected ${shape.id}`);
    return c.json(forClient(c, shape));
  },
};

/** With what Mistral's client looks for: it refuses a list whose models are not told apart by type. */
function modelShape({ engine, started }: ServeContext) {
  return {
    id: engine.files.name,
    object: 'model',
    created: started,
    owned_by: 'pixtral',
    type: 'base',
    capabilities: { completion_chat: true, vision: true, function_calling: true, completion_fim: false },
    max_context_length: engine.maxImageTokens,
    max_model_len: engine.maxImageTokens,
    pixtral: { image: engine.image },
  };
}

/** The same field has another meaning to Anthropic's clients. */
function forClient(c: Request, shape: ReturnType<typeof modelShape>) {
  if (!isAnthropic(c)) return shape;
  const { id, created, pixtral } = shape;
  return { type: 'model', id, display_name: id, created_at: new Date(created * 1000).toISOString(), pixtral };
}

function isAnthropic(c: Request): boolean {
  return c.req.header('anthropic-version') !== undefined;
}
