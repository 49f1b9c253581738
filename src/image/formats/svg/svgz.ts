import { gunzipSync, constants as zlib } from 'node:zlib';
import { PixtralError } from '../../../base/errors.ts';
import { damaged } from '../damaged.ts';
import type { OpenRequest, Opened } from '../opened.ts';
import { isSvg } from './is-svg.ts';

/** Of text that becomes so long a renderer would hardly see the end. */
const maxBytes = 64 * 2 ** 20;
/** Of the packed file, enough for its opening; no more than 16 MiB can come out of it. */
const peekedBytes = 16_384;

/** An SVG that is packed with gzip. */
export function isSvgz(bytes: Uint8Array): boolean {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return false;
  try {
    const options = { finishFlush: zlib.Z_SYNC_FLUSH, maxOutputLength: maxBytes };
    return isSvg(gunzipSync(bytes.subarray(0, peekedBytes), options));
  } catch {
    return false;
  }
}

export async function openSvgz(request: OpenRequest): Promise<Opened> {
  const { openSvg } = await import('./svg.ts');
  return openSvg({ ...request, bytes: unpacked(request) });
}

function unpacked({ bytes, name }: OpenRequest): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: maxBytes });
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') throw damaged(name, 'SVGZ', thrown);
    throw new PixtralError('input', `${name}: unpacks to more than ${maxBytes / 2 ** 20} MiB of SVG`, {
      hint: 'export what is to be seen of it as PNG',
    });
  }
}
