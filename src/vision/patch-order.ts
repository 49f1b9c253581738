/** Where each patch stands in the sequence that the tower computes. */
export interface PatchOrder {
  /** Raster index (row * columns + column) of the patch at each place of the sequence. */
  raster: Int32Array;
  /** Row and column of the patch at each place: the positions of 2-D RoPE. */
  row: Int32Array;
  column: Int32Array;
}

/**
 * Raster order without a patch merger. With one, the patches of each merged square stand together
 * (squares in raster order, inside a square row by row), so that merging is a reshape:
 * attention does not care about order, only about positions.
 * @param columns patches across, a multiple of `merge`
 */
export function patchOrder({ columns, rows, merge }: { columns: number; rows: number; merge: number }): PatchOrder {
  const count = columns * rows;
  const order: PatchOrder = {
    raster: new Int32Array(count),
    row: new Int32Array(count),
    column: new Int32Array(count),
  };
  let place = 0;
  for (let top = 0; top < rows; top += merge) {
    for (let left = 0; left < columns; left += merge) {
      for (let row = top; row < top + merge; row++) {
        for (let column = left; column < left + merge; column++) {
          order.raster[place] = row * columns + column;
          order.row[place] = row;
          order.column[place] = column;
          place++;
        }
      }
    }
  }
  return order;
}

/** Rows of `values` (each `width` long) picked by index: result[i] = values[indices[i]]. */
export function gatherRows(values: Float32Array, indices: Int32Array, width: number): Float32Array {
  const gathered = new Float32Array(indices.length * width);
  indices.forEach((index, place) => {
    gathered.set(values.subarray(index * width, (index + 1) * width), place * width);
  });
  return gathered;
}
