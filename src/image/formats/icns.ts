import { damaged, notRead } from './damaged.ts';
import { isJpeg2000, openJpeg2000 } from './jpeg2000.ts';
import { openPng } from './open-png.ts';
import { type OpenRequest, type Opened, type Size, ascii, cutShort, viewOf } from './opened.ts';
import { isPng, readPng } from './png.ts';

export function isIcns(bytes: Uint8Array): boolean {
  return ascii(bytes, 0, 4) === 'icns' && bytes.byteLength >= 16;
}

/** The largest of an icon's pictures for a Mac, which are PNGs, or JPEG 2000 from some years. */
export function openIcns(request: OpenRequest): Opened | Promise<Opened> {
  const { bytes, name } = request;
  const view = viewOf(bytes);
  const pictures: { size: Size; content: Uint8Array }[] = [];
  for (let at = 8; at + 8 <= bytes.byteLength;) {
    const length = view.getUint32(at + 4);
    if (length < 8 || at + length > bytes.byteLength) throw damaged(name, 'ICNS', cutShort);
    const content = bytes.subarray(at + 8, at + length);
    const size = sizeOf(content);
    if (size) pictures.push({ size, content });
    at += length;
  }
  const [largest] = pictures.sort((one, other) => other.size.width - one.size.width);
  if (!largest) {
    throw notRead(name, 'ICNS', 'has only pictures as they were before macOS 10.5', 'save the largest as PNG');
  }
  const open = isPng(largest.content) ? openPng : openJpeg2000;
  return open({ ...request, bytes: largest.content });
}

function sizeOf(content: Uint8Array): Size | undefined {
  if (isPng(content)) return readPng(content).size;
  return isJpeg2000(content) ? { width: 1, height: 1 } : undefined; // where there is no PNG, any of them
}
