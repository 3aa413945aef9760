// Reading a Gram matrix back, in whatever it lies.

import type { Gpu } from '../src/gpu/gpu';
import { imageStride } from '../src/gpu/image';
import { type GramMatrix, gramPanel } from '../src/network/gram-matrix';

/** Rows of a matrix, (rows, ld) from row `start` on, some at a time. */
export async function* gramRows(
  gpu: Gpu,
  matrix: GramMatrix,
): AsyncGenerator<{ readonly start: number; readonly values: Float32Array }> {
  const { n, ld, rows, image } = matrix;
  if (!image) {
    for (const [at, array] of matrix.arrays.entries()) yield { start: at * rows, values: await array.read() };
    return;
  }
  const most = gramPanel(gpu, n);
  const stride = imageStride(ld);
  for (let start = 0; start < ld; start += most) {
    const count = Math.min(most, ld - start);
    using output = gpu.array('rows', count * stride);
    await gpu.batch('rows').copyFromImage(image, start, count, output).submit();
    const values = new Float32Array(count * ld);
    const padded = await output.read();
    for (let r = 0; r < count; r++) values.set(padded.subarray(r * stride, r * stride + ld), r * ld);
    yield { start, values };
  }
}

/** All of a matrix, (ld, ld). */
export async function readGram(gpu: Gpu, matrix: GramMatrix): Promise<Float32Array> {
  const all = new Float32Array(matrix.ld ** 2);
  let rows = 0;
  for await (const { start, values } of gramRows(gpu, matrix)) {
    all.set(values, start * matrix.ld);
    rows += values.length / matrix.ld;
  }
  if (rows !== matrix.ld) throw new Error(`${rows} rows of ${matrix.ld}`);
  return all;
}
