import type { Route, ServeContext } from '../context.ts';
import { RequestError } from '../error-body.ts';

export const models: Route = {
  method: 'get',
  path: '/v1/models',
  answer: (c, context) => c.json({ object: 'list', data: [modelShape(context)] }),
};

export const model: Route = {
  method: 'get',
  path: '/v1/models/:model{.+}',
  answer(c, context) {
    const shape = modelShape(context);
    const asked = c.req.param('model');
    if (asked !== shape.id) throw new RequestError(404, `model ${asked}: is not here, expected ${shape.id}`);
    return c.json(shape);
  },
};

function modelShape({ engine, started }: ServeContext) {
  return {
    id: engine.files.name,
    object: 'model',
    created: started,
    owned_by: 'pixtral',
    max_model_len: engine.maxImageTokens,
    pixtral: { image: engine.image },
  };
}
