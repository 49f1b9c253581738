import { openApng } from './apng.ts';
import { standardPng } from './apple-png.ts';
import { openColouredPng } from './coloured-png.ts';
import type { OpenRequest, Opened } from './opened.ts';
import { readPng } from './png.ts';
import { openWithSkia } from './skia.ts';
import { openGreyPng } from './grey-png.ts';

export function openPng({ bytes, name }: Pick<OpenRequest, 'bytes' | 'name'>): Opened | Promise<Opened> {
  const png = readPng(bytes);
  const still = openWithSkia(png, name);
  const { animated, isApple, hasGreyProfile, stated } = png;
  if (isApple) return openPng({ bytes: standardPng({ bytes, name }), name });
  if (animated) return openApng(png, name);
  if (hasGreyProfile) return openGreyPng(png, name);
  return stated ? openColouredPng(png, stated, name) : still;
}
