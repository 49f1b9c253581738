/**
 * The embedding rows of one picture as the decoder reads them: after every row of [IMG] rows an [IMG_BREAK] row,
 * after the last one [IMG_END] instead. [columns * rows, dim] -> [(columns + 1) * rows, dim]
 */
export function imageRows(
  encoded: Float32Array,
  { columns, rows, imgBreak, imgEnd }: { columns: number; rows: number; imgBreak: Float32Array; imgEnd: Float32Array },
): Float32Array {
  const dim = imgBreak.length;
  const laidOut = new Float32Array((columns + 1) * rows * dim);
  for (let row = 0; row < rows; row++) {
    const start = row * (columns + 1) * dim;
    laidOut.set(encoded.subarray(row * columns * dim, (row + 1) * columns * dim), start);
    laidOut.set(row === rows - 1 ? imgEnd : imgBreak, start + columns * dim);
  }
  return laidOut;
}
