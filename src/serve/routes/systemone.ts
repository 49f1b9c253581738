import { randomUUID } from 'node:crypto';
import { PixtralError } from '../../base/errors.ts';
import { type Fields, asRecord } from '../../wires/fields.ts';
import { systemOneAnswer } from '../../wires/systemone.ts';
import { systemOneRequest } from '../../wires/systemone-request.ts';
import { type Request, type Route, decidedOf, readBody, readQuestion, requestContext, whenGone } from '../context.ts';

/** vLLM's and TypeSafe's decisions. */
export const systemOne: Route = {
  method: 'post',
  path: '/v1/systemone',
  asks: true,
  async answer(c, context) {
    const isForm = /^multipart\/form-data/i.test(c.req.header('content-type') ?? '');
    const body = isForm ? await readForm(c) : await readBody(c);
    const gone = whenGone(c);
    const request = await systemOneRequest(body, requestContext(context));
    const question = await readQuestion(request, { context, cancel: gone.signal });
    return c.json(systemOneAnswer(await decidedOf(context.queue.ask(question), context), randomUUID()));
  },
};

/** TypeSafe's clients send the body as the part `request`, and each picture as a part that the body names. */
async function readForm({ req }: Request): Promise<Fields> {
  const form = await req.formData().catch((cause: unknown) => {
    throw new PixtralError('input', 'body: is no form that can be read', { cause });
  });
  const body = await readBody({ req: new Response(form.get('request') ?? '') });
  const assets = Object.entries(asRecord(body.record['assets'] ?? {}, 'body: assets'));
  const read = assets.map(async ([word, value]): Promise<[string, unknown]> => {
    const { part, ...asset } = asRecord(value, `body: assets.${word}`);
    const file = typeof part === 'string' ? form.get(part) : undefined;
    if (!(file instanceof Blob)) {
      throw new PixtralError('input', `body: assets.${word}: the form has no picture in ${JSON.stringify(part)}`);
    }
    return [word, { ...asset, data_base64: Buffer.from(await file.arrayBuffer()).toString('base64') }];
  });
  if (assets.length === 0) return body;
  return { ...body, record: { ...body.record, assets: Object.fromEntries(await Promise.all(read)) } };
}
