/** [3, 3], row by row. */
export type Matrix = [number, number, number, number, number, number, number, number, number];
type Vector = [number, number, number];

export function product(left: Matrix, right: Matrix): Matrix {
  return Array.from({ length: 9 }, (_, at) => {
    const row = Math.floor(at / 3) * 3;
    return left[row]! * right[at % 3]! + left[row + 1]! * right[3 + (at % 3)]! + left[row + 2]! * right[6 + (at % 3)]!;
  }) as Matrix;
}

export function transformed([a, b, c, d, e, f, g, h, i]: Matrix, [x, y, z]: Vector): Vector {
  return [a * x + b * y + c * z, d * x + e * y + f * z, g * x + h * y + i * z];
}

export function scaledColumns(matrix: Matrix, by: Vector): Matrix {
  return matrix.map((value, at) => value * by[at % 3]!) as Matrix;
}

export function inverse([a, b, c, d, e, f, g, h, i]: Matrix): Matrix {
  const determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  const adjugate = [e * i - f * h, c * h - b * i, b * f - c * e];
  adjugate.push(f * g - d * i, a * i - c * g, c * d - a * f, d * h - e * g, b * g - a * h, a * e - b * d);
  return adjugate.map((value) => value / determinant) as Matrix;
}
