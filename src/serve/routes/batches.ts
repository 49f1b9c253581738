import { endpointOf } from '../../wires/endpoints.ts';
import { asRecord, wrong } from '../../wires/fields.ts';
import { type BatchState, newBatch } from '../batches/batch-state.ts';
import { type Request, type Route, type ServeContext, batchesOf, readBody } from '../context.ts';
import { RequestError } from '../error-body.ts';
import { listed } from './listed.ts';

const create: Route = {
  method: 'post',
  path: '/v1/batches',
  async answer(c, context) {
    const batches = batchesOf(context);
    const {
      input_file_id: inputFileId,
      endpoint: named,
      completion_window: completionWindow = '24h',
      metadata,
    } = (await readBody(c)).record;
    const endpoint = endpointOf(named, 'body: endpoint');
    if (typeof completionWindow !== 'string') throw wrong('body: completion_window', completionWindow, '"24h"');
    if (typeof inputFileId !== 'string' || !(await batches.files.isThere(inputFileId))) {
      throw wrong('body: input_file_id', inputFileId, 'the id of an uploaded file');
    }
    const told = metadata === undefined || metadata === null ? null : asRecord(metadata, 'body: metadata');
    const batch = newBatch({ endpoint, inputFileId, completionWindow, metadata: told });
    await batches.add(batch);
    return c.json(batch);
  },
};

const list: Route = {
  method: 'get',
  path: '/v1/batches',
  answer: (c, context) => listed(c, batchesOf(context).list()),
};

const retrieve: Route = {
  method: 'get',
  path: '/v1/batches/:id',
  answer: (c, context) => c.json(named(c, context)),
};

const cancel: Route = {
  method: 'post',
  path: '/v1/batches/:id/cancel',
  answer: async (c, context) => c.json(await batchesOf(context).cancel(named(c, context))),
};

function named(c: Request, context: ServeContext): BatchState {
  const id = c.req.param('id')!;
  const batch = batchesOf(context).get(id);
  if (!batch) throw new RequestError(404, `batch ${id}: is not here`);
  return batch;
}

/** OpenAI's batches: many requests from a file, answered when nobody waits. */
export const batchRoutes = [create, list, retrieve, cancel];
