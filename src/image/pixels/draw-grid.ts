import type { Grid, GridConfig } from './grid.ts';
import type { Rgb } from './seen.ts';

type Colour = readonly [red: number, green: number, blue: number];

/** Seen on any picture: nature and screens have little of it. */
const lineColour: Colour = [255, 0, 160];
const ruler: { ground: Colour; ink: Colour } = { ground: [24, 24, 24], ink: [255, 255, 255] };

/**
 * The picture with lines between its [IMG] tokens (and fainter ones between the patches of a token), enlarged so that
 * a patch has room, with the number of each column above and of each row at the left, from 1.
 */
export function drawGrid(picture: Rgb, { grid, image }: { grid: Grid; image: GridConfig }): Rgb {
  const zoom = Math.max(1, Math.ceil(32 / image.patchSize));
  const patch = image.patchSize * zoom;
  const cell = patch * image.spatialMergeSize;
  const margin = 4 * digit.width * digit.scale; // three digits and some room
  const sheet = createSheet(margin + picture.width * zoom + 1, margin + picture.height * zoom + 1);
  enlarge(picture, { sheet, zoom, margin });
  for (let x = 0; x <= picture.width * zoom; x += patch) {
    const strength = x % cell === 0 ? 1 : 0.35;
    fill(sheet, { x: margin + x, y: margin, width: 1, height: sheet.height - margin }, lineColour, strength);
  }
  for (let y = 0; y <= picture.height * zoom; y += patch) {
    const strength = y % cell === 0 ? 1 : 0.35;
    fill(sheet, { x: margin, y: margin + y, width: sheet.width - margin, height: 1 }, lineColour, strength);
  }
  const middle = Math.floor((cell - digit.height * digit.scale) / 2);
  for (let column = 0; column < grid.columns; column++) {
    const text = String(column + 1);
    const x = margin + column * cell + Math.floor((cell - textWidth(text)) / 2);
    write(sheet, text, { x, y: margin - (digit.height + 2) * digit.scale });
  }
  for (let row = 0; row < grid.rows; row++) {
    const text = String(row + 1);
    write(sheet, text, { x: margin - textWidth(text) - 2 * digit.scale, y: margin + row * cell + middle });
  }
  return sheet;
}

function createSheet(width: number, height: number): Rgb {
  const sheet = { width, height, bytes: new Uint8Array(width * height * 3) };
  fill(sheet, { x: 0, y: 0, width, height }, ruler.ground, 1);
  return sheet;
}

function enlarge(picture: Rgb, { sheet, zoom, margin }: { sheet: Rgb; zoom: number; margin: number }): void {
  for (let y = 0; y < picture.height * zoom; y++) {
    let to = ((margin + y) * sheet.width + margin) * 3;
    const line = Math.floor(y / zoom) * picture.width;
    for (let x = 0; x < picture.width * zoom; x++) {
      const from = (line + Math.floor(x / zoom)) * 3;
      for (let channel = 0; channel < 3; channel++) sheet.bytes[to++] = picture.bytes[from + channel]!;
    }
  }
}

function fill(
  sheet: Rgb,
  { x, y, width, height }: Record<'x' | 'y' | 'width' | 'height', number>,
  colour: Colour,
  strength: number,
): void {
  for (let line = y; line < y + height; line++) {
    for (let place = x; place < x + width; place++) {
      const at = (line * sheet.width + place) * 3;
      for (const [channel, value] of colour.entries()) {
        sheet.bytes[at + channel] = sheet.bytes[at + channel]! * (1 - strength) + value * strength;
      }
    }
  }
}

/** Digits of 3x5 dots, a line of bits each; no font is at hand everywhere. */
const digitLines: readonly (readonly number[])[] = [
  [7, 5, 5, 5, 7],
  [2, 6, 2, 2, 7],
  [7, 1, 7, 4, 7],
  [7, 1, 7, 1, 7],
  [5, 5, 7, 1, 1],
  [7, 4, 7, 1, 7],
  [7, 4, 7, 5, 7],
  [7, 1, 1, 1, 1],
  [7, 5, 7, 5, 7],
  [7, 5, 7, 1, 7],
];
const digit = { width: 4, height: 5, scale: 2 };

function textWidth(text: string): number {
  return (text.length * digit.width - 1) * digit.scale;
}

function write(sheet: Rgb, text: string, { x, y }: { x: number; y: number }): void {
  for (const [index, character] of text.split('').entries()) {
    for (const [line, bits] of digitLines[Number(character)]!.entries()) {
      for (let dot = 0; dot < 3; dot++) {
        if ((bits & (4 >> dot)) === 0) continue;
        const at = { x: x + (index * digit.width + dot) * digit.scale, y: y + line * digit.scale };
        fill(sheet, { ...at, width: digit.scale, height: digit.scale }, ruler.ink, 1);
      }
    }
  }
}
