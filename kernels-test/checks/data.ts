// philox_fill, transpose, panels, unpack_bytes, shift_rows, add, sign_agreement, row_cosine.

import { PhiloxStream } from '../../src/data/philox';
import { rowCosine, signAgreement } from '../../src/kernels/compare';
import { add, panels, type RandomKind, random, shiftRows, transpose, unpackBytes } from '../../src/kernels/data';
import { halfLength, halve } from '../../src/kernels/half';
import { packRows } from '../../src/kernels/pack';
import {
  asHalves,
  Bench,
  Draws,
  expectClose,
  expectExact,
  expectSameBits,
  halfBits,
  halfValue,
  padRows,
  runStep,
  U,
} from '../harness';
import type { Check } from './case';
import { type Arrangement, arrange } from './matmul';

export interface RandomCase {
  readonly kind: RandomKind;
  readonly rows: number;
  readonly cols: number;
  readonly ld?: number;
  readonly seed: number;
  readonly stream?: number;
  readonly offset?: number;
  readonly scale?: number;
}

/** `count` words of a stream from element `offset` on, by the CPU generator (tested against the published answers). */
export function streamWords(seed: number, stream: number, offset: number, count: number): Uint32Array {
  const source = new PhiloxStream(seed, stream);
  source.seek(offset);
  return Uint32Array.from({ length: count }, () => source.nextU32());
}

/** Box-Muller in float64 on the pair of words that element `e` belongs to; words[0] is element `first`, a multiple of 4. */
function normalOf(words: Uint32Array, first: number, e: number): { value: number; radius: number } {
  const pair = e - first - ((e - first) % 2);
  const u = 1 - (words[pair]! >>> 8) * 2 ** -24;
  const v = (words[pair + 1]! >>> 8) * 2 ** -24;
  const radius = Math.sqrt(-2 * Math.log(u));
  const angle = 2 * Math.PI * v;
  return { radius, value: radius * ((e - first) % 2 === 0 ? Math.cos(angle) : Math.sin(angle)) };
}

/** Every element rounded to a half and back, what does not fit counted and held at the largest half. */
export function checkHalve(values: Float32Array): Check {
  return async (gpu) => {
    using bench = new Bench(gpu);
    const input = bench.input('input', values);
    const run = async () => {
      const output = bench.inout('halves', new Uint32Array(halfLength(values.length)).fill(0xdeadbeef), 'f16');
      const overflow = bench.inout('overflow', Uint32Array.of(5, 0), 'u32');
      await runStep(gpu, await halve(gpu, { input, output, overflow, count: values.length }));
      return { bits: await bench.words(output), counts: Array.from(await bench.bits(overflow)).slice(0, 2) };
    };
    const { bits, counts } = await run();
    const halves = new Uint16Array(bits.buffer as ArrayBuffer);
    const fits = (value: number) => Math.abs(value) <= 65504;
    const expected = Array.from(halves, (_, e) => {
      const value = values[e] ?? 0;
      return Number.isNaN(value) ? 0 : halfValue(halfBits(Math.max(-65504, Math.min(65504, value))));
    });
    // Rounded to nearest or to the neighbour, as WGSL leaves open; below the smallest normal half perhaps to zero.
    const spacing = (value: number) => 2 ** (Math.floor(Math.log2(Math.max(Math.abs(value), 2 ** -14))) - 10);
    const tolerance = (e: number) =>
      Math.abs(expected[e]!) < 2 ** -14 ? Math.abs(expected[e]!) : spacing(expected[e]!);
    expectClose('halves', Array.from(halves, halfValue), expected, tolerance);
    const lost = Array.from(values).filter((value) => !fits(value)).length;
    const normal = values.some((value) => !(Math.abs(value) < 2 ** -14));
    const tiny = values.some((value) => value !== 0 && Math.abs(value) < 2 ** -14);
    expectExact('overflow', counts, [5 + lost, (normal ? 1 : 0) + (tiny ? 2 : 0)]);
    expectSameBits('halves', (await run()).bits, bits);
  };
}

export function checkRandom(test: RandomCase): Check {
  const { kind, rows, cols, ld = cols, seed, stream = 1, offset = 0, scale = 1 } = test;
  return async (gpu) => {
    using bench = new Bench(gpu);
    const run = async () => {
      const output = bench.output('random', rows * ld, kind === 'bits' ? 'u32' : 'f32');
      await runStep(gpu, await random(gpu, { output, rows, cols, ld, kind, seed, stream, offset, scale }));
      return kind === 'bits' ? bench.words(output) : bench.floats(output);
    };
    const actual = await run();
    const first = offset - (offset % 4);
    const words = streamWords(seed, stream, first, offset - first + rows * cols + 4);
    const expected = new Float64Array(rows * ld);
    const tolerance = new Float64Array(rows * ld);
    for (let i = 0; i < rows; i++) {
      for (let c = 0; c < cols; c++) {
        const e = offset + i * cols + c;
        const word = words[e - first]!;
        const at = i * ld + c;
        if (kind === 'bits') expected[at] = word;
        else if (kind === 'sign') expected[at] = word & 1 ? 1 : -1;
        else if (kind === 'uniform') expected[at] = (word >>> 8) * 2 ** -24;
        else {
          const { value, radius } = normalOf(words, first, e);
          expected[at] = scale * value;
          // Logarithm, root, sine or cosine (an angle of two roundings), three products: each within a few roundings
          // relative to the radius; 24 in all.
          tolerance[at] = 24 * U * scale * radius;
        }
      }
    }
    const at = (e: number) => `row ${Math.floor(e / ld)}, column ${e % ld}`;
    expectClose(kind, actual, expected, (e) => tolerance[e]!, at);
    expectSameBits(kind, await run(), actual);
  };
}

/** Mean, variance and the share beyond two standard deviations of `count` normals, within five standard errors. */
export function checkNormalMoments(seed: number, count: number): Check {
  return async (gpu) => {
    using bench = new Bench(gpu);
    const output = bench.output('normals', count);
    await runStep(gpu, await random(gpu, { output, rows: 1, cols: count, kind: 'normal', seed, stream: 3 }));
    const values = await bench.floats(output);
    const mean = values.reduce((sum, x) => sum + x, 0) / count;
    const variance = values.reduce((sum, x) => sum + x * x, 0) / count;
    const beyond = values.filter((x) => Math.abs(x) > 2).length / count;
    expectClose('mean', [mean], [0], 5 / Math.sqrt(count));
    expectClose('variance', [variance], [1], 5 * Math.sqrt(2 / count));
    const share = 0.0455002639;
    expectClose('share beyond 2', [beyond], [share], 5 * Math.sqrt((share * (1 - share)) / count));
  };
}

export function checkTranspose(test: { rows: number; cols: number; inputLd?: number; outputLd?: number }): Check {
  const { rows, cols, inputLd = cols, outputLd = rows } = test;
  return async (gpu) => {
    const values = new Draws(rows * 1e3 + cols).normal(rows * cols);
    const padded = new Float32Array(rows * inputLd).fill(Number.NaN); // what pads the input is not to be used
    for (let r = 0; r < rows; r++) padded.set(values.subarray(r * cols, (r + 1) * cols), r * inputLd);
    using bench = new Bench(gpu);
    const input = bench.input('input', padded);
    const output = bench.output('output', cols * outputLd);
    await runStep(gpu, await transpose(gpu, { input, output, rows, cols, inputLd, outputLd }));
    const expected = new Float64Array(cols * outputLd);
    for (let c = 0; c < cols; c++) for (let r = 0; r < rows; r++) expected[c * outputLd + r] = values[r * cols + c]!;
    expectExact('transpose', await bench.floats(output), expected);
  };
}

export function checkPanels(n: number, d: number): Check {
  return async (gpu) => {
    const ld = Math.ceil(d / 4) * 4;
    const values = new Draws(n * 1e3 + d).normal(n * d);
    const padded = new Float32Array(n * ld).fill(Number.NaN);
    for (let i = 0; i < n; i++) padded.set(values.subarray(i * d, (i + 1) * d), i * ld);
    using bench = new Bench(gpu);
    const count = Math.ceil(n / 32);
    const input = bench.input('input', padded);
    const output = bench.output('output', count * 32 * d);
    await runStep(gpu, await panels(gpu, { input, output, n, d, ld }));
    const expected = new Float64Array(count * 32 * d);
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < d; k++) expected[(Math.floor(i / 32) * d + k) * 32 + (i % 32)] = values[i * d + k]!;
    }
    expectExact('panels', await bench.floats(output), expected);
  };
}

export interface PackCase {
  readonly steps: number;
  readonly rows: number;
  readonly height: number;
  /** How the input lies in memory, see arrange of checks/matmul. */
  readonly how?: Arrangement;
  readonly first?: number;
  /** Steps of the output before and after those that are packed. */
  readonly around?: readonly [before: number, after: number];
  readonly half?: boolean;
}

/** Into a buffer; texels are seen by the kernels that read them. */
export function checkPackRows({ steps, rows, height, how = 'plain', first = 0, around, half }: PackCase): Check {
  return async (gpu) => {
    const [before, after] = around ?? [0, 0];
    const drawn = new Draws(steps * 1e6 + rows * 1e3 + height).normal(steps * rows);
    const values = half ? asHalves(drawn) : drawn;
    const { out, place } = arrange(how, values, steps, rows, first);
    using bench = new Bench(gpu);
    const input = half ? bench.halves('input', out) : bench.input('input', out);
    const outSteps = before + steps + after;
    const quads = Math.ceil(height / 4);
    const panels = Math.ceil(rows / height);
    const length = panels * outSteps * quads * 4;
    const output = bench.inout('output', new Float32Array(length).fill(7));
    const span = { steps, outSteps, outStep: before };
    await runStep(gpu, await packRows(gpu, { input, output, rows, height, first, ...place, ...span }));
    const expected = new Float64Array(length).fill(7);
    for (let p = 0; p < panels; p++) {
      for (let k = 0; k < steps; k++) {
        for (let r = 0; r < quads * 4; r++) {
          const row = p * height + r;
          const at = (p * outSteps + before + k) * quads * 4 + r;
          expected[at] = r < height && row < rows ? values[k * rows + row]! : 0;
        }
      }
    }
    expectExact('packed rows', await bench.floats(output), expected);
  };
}

export function checkUnpackBytes(test: {
  rows: number;
  cols: number;
  ld: number;
  scale: number;
  subtract: number;
}): Check {
  const { rows, cols, ld } = test;
  const scale = Math.fround(test.scale);
  const subtract = Math.fround(test.subtract);
  return async (gpu) => {
    const bytes = new Uint8Array(Math.ceil((rows * cols) / 4) * 4);
    bytes.set(new Uint8Array(new Draws(rows).bits(Math.ceil((rows * cols) / 4)).buffer).subarray(0, rows * cols));
    bytes.set([0, 255].slice(0, Math.min(2, rows * cols)));
    using bench = new Bench(gpu);
    const packed = bench.input('packed', new Uint32Array(bytes.buffer));
    const output = bench.output('output', rows * ld);
    await runStep(gpu, await unpackBytes(gpu, { packed, output, rows, cols, ld, scale, subtract }));
    const expected = new Float64Array(rows * ld);
    const tolerance = new Float64Array(rows * ld);
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < cols; c++) {
        const value = scale * bytes[r * cols + c]!;
        expected[r * ld + c] = value - subtract;
        tolerance[r * ld + c] = U * (value + Math.abs(value - subtract)); // one product, one difference
      }
    }
    expectClose('pixels', await bench.floats(output), expected, (e) => tolerance[e]!);
  };
}

export function checkShiftRows(test: { n: number; d: number; ld: number; start: number; shift: number }): Check {
  const { n, d, ld, start } = test;
  const shift = Math.fround(test.shift);
  return async (gpu) => {
    const draws = new Draws(n * 1e3 + d);
    const labels = draws.signs(start + n + 2);
    const values = draws.normal(n * d);
    using bench = new Bench(gpu);
    const given = bench.input('labels', labels);
    const x = bench.inout('x', padRows(values, d, ld));
    await runStep(gpu, await shiftRows(gpu, { labels: given, x, n, d, ld, start, shift }));
    const expected = new Float64Array(n * ld); // the padding stays zero
    for (let i = 0; i < n; i++) {
      for (let c = 0; c < d; c++) expected[i * ld + c] = values[i * d + c]! + shift * labels[start + i]!;
    }
    expectClose('rows', await bench.floats(x), expected, (e) => U * Math.abs(expected[e]!));
  };
}

export function checkAdd(count: number, scale?: number): Check {
  return async (gpu) => {
    const draws = new Draws(count);
    const a = draws.normal(count);
    const b = draws.normal(count);
    using bench = new Bench(gpu);
    const from = bench.input('a', a);
    const to = bench.inout('b', b);
    await runStep(gpu, await add(gpu, { a: from, b: to, count, ...(scale === undefined ? {} : { scale }) }));
    // One addition of float32 numbers, correctly rounded; scales are powers of two, so that products are exact.
    expectExact(
      'sum',
      await bench.floats(to),
      Array.from(a, (value, e) => Math.fround((scale ?? 1) * value + b[e]!)),
    );
  };
}

export function checkSignAgreement(n: number, before: number): Check {
  return async (gpu) => {
    const draws = new Draws(n);
    const f = draws.integers(n, 1); // a third of them zero
    const g = draws.integers(n, 1);
    if (n > 3) {
      f.set([0, -0, 2 ** -126, -1e30]); // smaller ones may be flushed to zero
      g.set([-0, 0, 1e30, -(2 ** -126)]);
    }
    using bench = new Bench(gpu);
    const count = bench.inout('count', Uint32Array.of(before), 'u32');
    const args = { f: bench.input('f', f), g: bench.input('g', g), count, n };
    await runStep(gpu, await signAgreement(gpu, args));
    const same = Array.from(f, (value, i) => Math.sign(value) === Math.sign(g[i]!)).filter(Boolean).length;
    expectExact('count', await bench.words(count), [before + same]);
  };
}

export function checkRowCosine(test: { n: number; d: number; scale: number }): Check {
  const { n, d, scale } = test;
  return async (gpu) => {
    const draws = new Draws(n * 1e3 + d);
    const ld = Math.ceil(d / 4) * 4;
    const a = draws.normal(n * d, scale);
    const b = draws.normal(n * d);
    // Parallel, opposite and zero rows after the first.
    for (let c = 0; c < d; c++) {
      if (n > 1) b[d + c] = a[d + c]! / scale;
      if (n > 2) b[2 * d + c] = -a[2 * d + c]! / scale;
      if (n > 3) a[3 * d + c] = 0;
      if (n > 4) b[4 * d + c] = 0;
    }
    using bench = new Bench(gpu);
    const inputs = { a: bench.input('a', padRows(a, d, ld)), b: bench.input('b', padRows(b, d, ld)) };
    const run = async () => {
      const output = bench.output('output', n);
      await runStep(gpu, await rowCosine(gpu, { ...inputs, output, n, ld }));
      return bench.floats(output);
    };
    const actual = await run();
    const expected = new Float64Array(n);
    const tolerance = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      let ab = 0;
      let size = 0;
      let aa = 0;
      let bb = 0;
      for (let c = 0; c < d; c++) {
        const u = a[i * d + c]! / scale;
        const v = b[i * d + c]!;
        ab += u * v;
        size += Math.abs(u * v);
        aa += u * u;
        bb += v * v;
      }
      const norm = Math.sqrt(aa * bb);
      expected[i] = norm === 0 ? 0 : ab / norm;
      // Two divisions of 5 roundings in each product, d additions; the norms err by half as much each, roots and division.
      tolerance[i] = norm === 0 ? 0 : (2 * (d + 11) + 16) * U * (size / norm);
    }
    expectClose('cosine', actual, expected, (i) => tolerance[i]!);
    expectSameBits('cosine', await run(), actual);
  };
}
