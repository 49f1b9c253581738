import type { PictureReceipt } from '../asking/events.ts';
import { jsonLine } from '../wires/json.ts';
import { pictureLabel } from './picture-label.ts';
import { printableLine } from './printable.ts';

/** Fewer pixels than this part of a picture's are seen: small print will be gone. */
const tellingArea = 4;

/** Says once, for all of them, that pictures are seen much smaller than they are; tiles show what an overview does not. */
export function warnOfShrinking(
  receipts: readonly PictureReceipt[],
  { write, json }: { write: (text: string) => void; json: boolean },
): void {
  const tiled = new Set(receipts.filter(({ crop }) => crop).map(placeOf));
  const shrunk = receipts
    .filter((receipt) => (receipt.crop || !tiled.has(placeOf(receipt))) && shrinkOf(receipt) > tellingArea)
    .sort((a, b) => shrinkOf(b) - shrinkOf(a));
  const [worst] = shrunk;
  if (!worst) return;
  const others = shrunk.length === 1 ? '' : ` (${shrunk.length - 1} more like it)`;
  const warning = `${pictureLabel(worst)}: ${worst.width}x${worst.height} is seen as ${worst.seen.join('x')}, ${Math.round(shrinkOf(worst))} times fewer pixels${others}`;
  const hint = worst.crop ? 'more parts with --max-tiles show more' : '--detail tiles shows parts at full resolution';
  write(json ? jsonLine({ warning, hint }) : `warning: ${printableLine(warning)}\nhint: ${hint}\n`);
}

function placeOf({ sha256, page }: PictureReceipt): string {
  return `${sha256} ${page}`;
}

function shrinkOf({ width, height, seen }: PictureReceipt): number {
  return (width * height) / (seen[0] * seen[1]);
}
