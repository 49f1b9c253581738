import { type Primaries, type Transfer, srgbPrimaries, srgbToLight } from '../colour/code-points.ts';
import { type Colours, coloursOf, isPossible, isSrgb, unknownColours } from '../colour/to-srgb.ts';
import type { PngChunk } from './png.ts';
import { viewOf } from './opened.ts';

/** How a PNG's samples become light, where that is another way than sRGB's and no profile says it. */
export interface PngColours extends Colours {
  isFullRange: boolean;
  /** What had to be guessed. */
  warning: string | undefined;
}

/** `cICP` comes before a profile and `sRGB`, and those before gamma and primaries. Source: PNG, third edition, 4.3. */
export function pngColours(chunks: readonly PngChunk[]): PngColours | undefined {
  const contentOf = (sought: string): Uint8Array | undefined => chunks.find(({ type }) => type === sought)?.content;
  const codePoints = contentOf('cICP');
  if (codePoints?.byteLength === 4) return byCodePoints(codePoints);
  if (contentOf('iCCP') || contentOf('sRGB')) return undefined;
  const transfer = transferOf(contentOf('gAMA'));
  const primaries = primariesOf(contentOf('cHRM'));
  if (!transfer && !primaries) return undefined;
  return {
    primaries: primaries ?? srgbPrimaries,
    transfer: transfer ?? srgbToLight,
    isFullRange: true,
    warning: undefined,
  };
}

/** Primaries, transfer, a matrix that can only be 0, and whether all values are used. */
function byCodePoints(content: Uint8Array): PngColours | undefined {
  const codePoints = { primaries: content[0]!, transfer: content[1]! };
  const isFullRange = content[3] !== 0;
  const warning = unknownColours(codePoints);
  if (isFullRange && isSrgb(codePoints) && warning === undefined) return undefined;
  return { ...coloursOf(codePoints), isFullRange, warning };
}

/** As libpng takes them: what differs by less is what programs write that mean sRGB. */
const usualGamma = { value: 1 / 2.2, share: 0.05 };
const usualDistance = 0.01;
/** Beyond, a curve has two values only. */
const mostGamma = 10;

function transferOf(content: Uint8Array | undefined): Transfer | undefined {
  if (content?.byteLength !== 4) return undefined;
  const gamma = viewOf(content).getUint32(0) / 100_000;
  if (gamma < 1 / mostGamma || gamma > mostGamma) return undefined;
  if (Math.abs(gamma / usualGamma.value - 1) < usualGamma.share) return undefined;
  return (value) => value ** (1 / gamma);
}

/** White, red, green and blue, each x and y. */
function primariesOf(content: Uint8Array | undefined): Primaries | undefined {
  if (content?.byteLength !== 32) return undefined;
  const view = viewOf(content);
  const [xw, yw, ...others] = Array.from({ length: 8 }, (_, at) => view.getUint32(at * 4) / 100_000);
  const primaries = [...others, xw, yw] as unknown as Primaries;
  const isUsual = primaries.every((value, at) => Math.abs(value - srgbPrimaries[at]!) < usualDistance);
  return isUsual || !isPossible(primaries) ? undefined : primaries;
}
