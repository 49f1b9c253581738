import { ascii } from '../opened.ts';

/** Comments and declarations may stand before the first element. */
const openingLength = 16_384;

export function isSvg(bytes: Uint8Array): boolean {
  const opening = ascii(bytes, 0, openingLength).replaceAll('\0', ''); // UTF-16 has one beside each letter
  return (
    /^(\xef\xbb\xbf|\xff\xfe|\xfe\xff)?\s*</.test(opening) &&
    /<(\w+:)?svg[\s>]/.test(opening) &&
    !/^\s*<(!doctype )?html/i.test(opening)
  );
}
