/** Ways to build the image path wrongly: a test that they do not break tests nothing. */
export const mistakes = ['rope axes swapped', 'breaks left out', 'mean and deviation mixed up'] as const;
export type Mistake = (typeof mistakes)[number];

interface TowerInput {
  columns: number;
  rows: number;
  /** [rows * columns, 3 * patch * patch] */
  values: Float32Array;
}

const mean = [0.48145466, 0.4578275, 0.40821073];
const deviation = [0.26862954, 0.26130258, 0.27577711];

export function mistakenPatches(input: TowerInput, mistake: Mistake | undefined): TowerInput {
  const { columns, rows, values } = input;
  if (mistake === 'rope axes swapped') {
    // Attention does not care about order: a patch at (row, column) given as (column, row) has its two angles swapped.
    return { columns: rows, rows: columns, values: transposed(values, { columns, rows }) };
  }
  if (mistake !== 'mean and deviation mixed up') return input;
  const perChannel = values.length / (columns * rows) / 3;
  const mixed = values.map((value, index) => {
    const channel = Math.floor(index / perChannel) % 3;
    return (value * deviation[channel]! + mean[channel]! - deviation[channel]!) / mean[channel]!;
  });
  return { columns, rows, values: mixed };
}

/** Rows of the adapter, back in raster order. */
export function mistakenRows(
  encoded: Float32Array,
  { columns, rows }: { columns: number; rows: number },
  mistake: Mistake | undefined,
): Float32Array {
  return mistake === 'rope axes swapped' ? transposed(encoded, { columns: rows, rows: columns }) : encoded;
}

/** One line of patches has no break in it. */
export function mistakenLayout(
  grid: { columns: number; rows: number },
  mistake: Mistake | undefined,
): { columns: number; rows: number } {
  return mistake === 'breaks left out' ? { columns: grid.columns * grid.rows, rows: 1 } : grid;
}

function transposed(values: Float32Array, { columns, rows }: { columns: number; rows: number }): Float32Array {
  const width = values.length / (columns * rows);
  const result = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const from = (row * columns + column) * width;
      result.set(values.subarray(from, from + width), (column * rows + row) * width);
    }
  }
  return result;
}
