import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { PixtralError } from '../../base/errors.ts';
import { wrong } from '../../wires/fields.ts';
import { type StoredFile, newFileId } from '../batches/file-store.ts';
import { hasEnded } from '../batches/batch-state.ts';
import { type Request, type Route, type ServeContext, batchesOf } from '../context.ts';
import { RequestError } from '../error-body.ts';
import { listed } from './listed.ts';

/** As many as OpenAI's API takes for a batch. */
const mostBytes = 200 * 2 ** 20;

const upload: Route = {
  method: 'post',
  path: '/v1/files',
  asks: true,
  bodyBytes: mostBytes,
  async answer(c, context) {
    const { files } = batchesOf(context);
    const form = await c.req.parseBody().catch((cause: unknown) => {
      throw new PixtralError('input', 'body: is no multipart form, expected one with file and purpose', { cause });
    });
    const { file, purpose } = form;
    if (!(file instanceof File)) throw new PixtralError('input', 'body: file: is missing, expected one to upload');
    if (purpose !== 'batch') throw wrong('body: purpose', purpose, '"batch"');
    const described = { id: newFileId(), filename: file.name, purpose } as const;
    return c.json(await files.add(new Uint8Array(await file.arrayBuffer()), described));
  },
};

const list: Route = {
  method: 'get',
  path: '/v1/files',
  async answer(c, context) {
    const purpose = c.req.query('purpose');
    const all = await batchesOf(context).files.list();
    return listed(
      c,
      all.filter((file) => purpose === undefined || file.purpose === purpose),
    );
  },
};

const retrieve: Route = {
  method: 'get',
  path: '/v1/files/:id',
  answer: async (c, context) => c.json(await named(c, context)),
};

const content: Route = {
  method: 'get',
  path: '/v1/files/:id/content',
  async answer(c, context) {
    const { id, bytes } = await named(c, context);
    const stream = Readable.toWeb(createReadStream(batchesOf(context).files.path(id))) as ReadableStream<Uint8Array>;
    const headers = { 'content-type': 'application/octet-stream', 'content-length': String(bytes) };
    return new Response(stream, { headers });
  },
};

const remove: Route = {
  method: 'delete',
  path: '/v1/files/:id',
  async answer(c, context) {
    const { id } = await named(c, context);
    const batches = batchesOf(context);
    const user = batches.list().find((batch) => batch.input_file_id === id && !hasEnded(batch));
    if (user) throw new RequestError(409, `${id}: ${user.id} works on it, cancel it first`);
    await batches.files.remove(id);
    return c.json({ id, object: 'file', deleted: true });
  },
};

async function named(c: Request, context: ServeContext): Promise<StoredFile> {
  const id = c.req.param('id')!;
  const file = await batchesOf(context).files.get(id);
  if (!file) throw new RequestError(404, `file ${id}: is not here`);
  return file;
}

/** OpenAI's files, for batches. */
export const fileRoutes = [upload, list, retrieve, content, remove];
