/** What LoRA trained: a narrow matrix and one that widens it again. */
export interface Factors {
  /** [rank, columns] */
  a: Float32Array;
  /** [rows, rank] */
  b: Float32Array;
}

interface Adding extends Factors {
  scale: number;
  columns: number;
  /** Which row of `b` belongs to a row of the weights. */
  rowOf: (row: number) => number;
}

/**
 * weights += scale B A, row by row: the product rounded to f32, then its multiple, then the sum, as PEFT merges
 * (tuners/lora/layer.py). Sums of products are held in double precision, which no order of adding changes.
 * @param weights whole rows of the matrix
 */
export function addLowRank(weights: Float32Array, { a, b, scale, columns, rowOf }: Adding): void {
  const rank = a.length / columns;
  const sums = new Float64Array(columns);
  for (let start = 0; start < weights.length; start += columns) {
    const firstOfB = rowOf(start / columns) * rank;
    sums.fill(0);
    for (let k = 0; k < rank; k++) {
      const factor = b[firstOfB + k]!;
      const row = k * columns;
      for (let column = 0; column < columns; column++) sums[column]! += factor * a[row + column]!;
    }
    for (let column = 0; column < columns; column++) {
      weights[start + column]! += Math.fround(Math.fround(sums[column]!) * scale);
    }
  }
}
