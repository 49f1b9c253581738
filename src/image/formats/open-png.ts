import { openApng } from './apng.ts';
import { standardPng } from './apple-png.ts';
import { isSrgb, unknownColours } from '../colour/to-srgb.ts';
import { openNumberedPng } from './numbered-png.ts';
import type { OpenRequest, Opened } from './opened.ts';
import { type EncodedPng, readPng } from './png.ts';
import { openWithSkia } from './skia.ts';
import { openGreyPng } from './grey-png.ts';

export function openPng({ bytes, name }: Pick<OpenRequest, 'bytes' | 'name'>): Opened | Promise<Opened> {
  const png = readPng(bytes);
  const still = openWithSkia(png, name);
  const { animated, isApple, hasGreyProfile, codePoints } = png;
  if (isApple) return openPng({ bytes: standardPng({ bytes, name }), name });
  if (animated) return openApng(png, name);
  if (hasGreyProfile) return openGreyPng(png, name);
  return codePoints && !isUsual(codePoints) ? openNumberedPng(png, codePoints, name) : still;
}

function isUsual(codePoints: NonNullable<EncodedPng['codePoints']>): boolean {
  return codePoints.isFullRange && isSrgb(codePoints) && unknownColours(codePoints) === undefined;
}
