import type { Engine } from './document.ts';
import { Pdfium } from './pdfium.ts';
import { SubstituteFonts } from './substitute-fonts.ts';

let shared: Promise<Engine> | undefined;

/** Loading takes longer than drawing a page. */
export function sharedEngine(): Promise<Engine> {
  return (shared ??= Pdfium.load().then((pdfium) => ({ pdfium, fonts: new SubstituteFonts(pdfium) })));
}
