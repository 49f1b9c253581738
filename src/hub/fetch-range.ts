import { PixtralError } from '../base/errors.ts';
import { type Http, type HttpResponse, Passing, patiently, refusePassing } from './http.ts';
import type { RemoteRange } from './remote.ts';

export interface RangeRequest {
  /** For messages. */
  where: string;
  range: RemoteRange;
  /** As long as the range; undefined: memory of its own. */
  target?: Uint8Array | undefined;
  /** Of the whole file. */
  byteLength: number;
  http: Http;
  signal: AbortSignal;
  /** Sends the request for bytes from `start` up to `end`; asked anew after each fault. */
  ask: (headers: Readonly<Record<string, string>>, signal: AbortSignal) => Promise<HttpResponse>;
  /** Told of every byte that came. */
  onBytes: (byteLength: number) => void;
}

/**
 * Exactly the bytes of one range. After a broken line only what is missing is asked for again.
 * @throws PixtralError `machine` when the server cannot do it, or not now
 */
export async function fetchRange(request: RangeRequest): Promise<Uint8Array> {
  const { where, range, target, http, signal } = request;
  const bytes = target ?? Buffer.allocUnsafeSlow(range.end - range.start);
  let done = 0;
  if (bytes.byteLength === 0) return bytes;
  await patiently({ where, http, signal }, async (progress) => {
    const start = range.start + done;
    const response = await request.ask({ range: `bytes=${start}-${range.end - 1}` }, signal);
    try {
      checkRange(response, { ...request, start });
      await response.body.receive((part) => {
        request.onBytes(part.byteLength);
        if (done + part.byteLength > bytes.byteLength) throw wrongRange(where, 'more bytes than it was asked for');
        bytes.set(part, done);
        done += part.byteLength;
        progress();
        return http.rateLimit?.take(part.byteLength);
      });
    } finally {
      response.body.giveUp();
    }
    if (done < bytes.byteLength) throw new Passing(`the line ended ${bytes.byteLength - done} bytes early`);
  });
  return bytes;
}

function checkRange(
  response: HttpResponse,
  { where, start, range, byteLength }: RangeRequest & { start: number },
): void {
  const { status, headers } = response;
  refusePassing(response);
  if (status === 200 && start === 0 && range.end === byteLength) return;
  if (status !== 206) throw wrongRange(where, `status ${status}`);
  const found = headers['content-range'] ?? 'no Content-Range';
  if (found !== `bytes ${start}-${range.end - 1}/${byteLength}`) throw wrongRange(where, found);
}

function wrongRange(where: string, found: string): PixtralError {
  return new PixtralError('machine', `${where}: the server sent ${found}, expected the range that it was asked for`, {
    hint: 'the server or a proxy on the way does not honour ranges, or the file has changed: try HF_ENDPOINT or without the proxy',
  });
}
