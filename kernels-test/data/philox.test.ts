import { describe, expect, test } from 'vitest';
import { PhiloxStream, philox4x32, seedWords, type Words4 } from '../../src/data/philox';
import { STREAMS } from '../../src/data/streams';

// The same function in BigInt, from the paper's formulas: no trick with halves to get wrong.
function reference(counter: Words4, key: readonly [number, number]): number[] {
  const mask = 0xffffffffn;
  let [c0, c1, c2, c3] = counter.map(BigInt) as [bigint, bigint, bigint, bigint];
  let [k0, k1] = key.map(BigInt) as [bigint, bigint];
  for (let round = 0; round < 10; round++) {
    const p0 = 0xd2511f53n * c0;
    const p1 = 0xcd9e8d57n * c2;
    [c0, c1, c2, c3] = [(p1 >> 32n) ^ c1 ^ k0, p1 & mask, (p0 >> 32n) ^ c3 ^ k1, p0 & mask];
    k0 = (k0 + 0x9e3779b9n) & mask;
    k1 = (k1 + 0xbb67ae85n) & mask;
  }
  return [c0, c1, c2, c3].map(Number);
}

describe('philox4x32', () => {
  // kat_vectors of the Random123 library, philox 4x32 with 10 rounds.
  const ones = 0xffffffff;
  const known: [Words4, [number, number], number[]][] = [
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [ones, ones, ones, ones],
      [ones, ones],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ];
  test.each(known)('known answer for counter %j', (counter, key, answer) => {
    expect(philox4x32(counter, key)).toEqual(answer);
  });

  test('equals a BigInt implementation on 500 counters and keys', () => {
    let words: Words4 = [1, 2, 3, 4];
    for (let i = 0; i < 500; i++) {
      const key: [number, number] = [words[3], words[1]];
      const next = philox4x32(words, key);
      expect(next).toEqual(reference(words, key));
      words = next;
    }
  });
});

describe('PhiloxStream', () => {
  test('element e is word e mod 4 of block e div 4, with the stream third and the seed as key', () => {
    const seed = 5 * 2 ** 32 + 7;
    const stream = new PhiloxStream(seed, 9);
    const read = Array.from({ length: 10 }, () => stream.nextU32());
    const blocks = [0, 1, 2].flatMap((block) => reference([block, 0, 9, 0], [7, 5]));
    expect(read).toEqual(blocks.slice(0, 10));
  });

  test('seek reaches blocks beyond 2^32 and comes back', () => {
    const stream = new PhiloxStream(3, 1);
    const first = stream.nextU32();
    stream.seek(4 * (2 ** 32 + 6) + 2);
    expect(stream.nextU32()).toBe(reference([6, 1, 1, 0], [3, 0])[2]);
    stream.seek(0);
    expect(stream.nextU32()).toBe(first);
  });

  test('seeds and streams differ, equal ones agree', () => {
    const take = (seed: number, stream: number): number[] => {
      const source = new PhiloxStream(seed, stream);
      return Array.from({ length: 8 }, () => source.nextU32());
    };
    expect(take(1, 2)).toEqual(take(1, 2));
    expect(take(1, 2)).not.toEqual(take(2, 2));
    expect(take(1, 2)).not.toEqual(take(1, 3));
    expect(take(1, 2)).not.toEqual(take(1 + 2 ** 32, 2));
  });

  test('refuses seeds, streams and elements that are no index', () => {
    for (const seed of [-1, 0.5, 2 ** 53, Number.NaN]) expect(() => seedWords(seed)).toThrow(RangeError);
    expect(() => new PhiloxStream(0, 2 ** 32)).toThrow(RangeError);
    expect(() => new PhiloxStream(0, 1).seek(-1)).toThrow(RangeError);
    expect(seedWords(2 ** 53 - 1)).toEqual([0xffffffff, 0x1fffff]);
  });

  test('uniforms lie in [0, 1), are exact in float32, and fill 16 bins evenly', () => {
    const stream = new PhiloxStream(11, 1);
    const bins = new Array<number>(16).fill(0);
    const n = 64_000;
    for (let i = 0; i < n; i++) {
      const u = stream.uniform();
      if (!(u >= 0 && u < 1 && Math.fround(u) === u)) expect.fail(`uniform ${u}`);
      bins[Math.floor(u * 16)]!++;
    }
    const chi2 = bins.reduce((sum, count) => sum + (count - n / 16) ** 2 / (n / 16), 0);
    // 15 degrees of freedom: below 37.7 in 999 of 1000 streams, above 3 in as many; this one is fixed.
    expect(chi2).toBeGreaterThan(3);
    expect(chi2).toBeLessThan(37.7);
  });

  test('normals have the moments, the tails and the independence of normals', () => {
    const stream = new PhiloxStream(0, STREAMS.dataNoise);
    const n = 200_000;
    let [m1, m2, m3, m4, lag, beyond, previous] = [0, 0, 0, 0, 0, 0, 0];
    for (let i = 0; i < n; i++) {
      const z = stream.normal();
      m1 += z / n;
      m2 += z ** 2 / n;
      m3 += z ** 3 / n;
      m4 += z ** 4 / n;
      lag += (z * previous) / n;
      if (Math.abs(z) > 1.959964) beyond++;
      previous = z;
    }
    // Four standard errors: the variances of z, z^2, z^3, z^4 are 1, 2, 15, 96, of a product 1.
    const bound = (variance: number): number => 4 * Math.sqrt(variance / n);
    expect(Math.abs(m1)).toBeLessThan(bound(1));
    expect(Math.abs(m2 - 1)).toBeLessThan(bound(2));
    expect(Math.abs(m3)).toBeLessThan(bound(15));
    expect(Math.abs(m4 - 3)).toBeLessThan(bound(96));
    expect(Math.abs(lag)).toBeLessThan(bound(1));
    expect(Math.abs(beyond / n - 0.05)).toBeLessThan(bound(0.05 * 0.95));
  });

  test('normals 2p and 2p + 1 come from words 2p and 2p + 1', () => {
    const stream = new PhiloxStream(21, 3);
    const normals = Array.from({ length: 4 }, () => stream.normal());
    const words = reference([0, 0, 3, 0], [21, 0]);
    for (const pair of [0, 1]) {
      const u = 1 - Math.floor(words[2 * pair]! / 256) / 2 ** 24;
      const v = Math.floor(words[2 * pair + 1]! / 256) / 2 ** 24;
      const radius = Math.sqrt(-2 * Math.log(u));
      expect(normals[2 * pair]).toBeCloseTo(radius * Math.cos(2 * Math.PI * v), 12);
      expect(normals[2 * pair + 1]).toBeCloseTo(radius * Math.sin(2 * Math.PI * v), 12);
    }
  });
});

test('stream numbers are what the contract with the GPU says', () => {
  expect(STREAMS).toEqual({
    dataNoise: 1,
    labels: 2,
    fW: 3,
    fb: 4,
    fa: 5,
    gW: 6,
    gb: 7,
    ga: 8,
    targets: 9,
    testNoise: 10,
    testLabels: 11,
    glyphs: 12,
    testGlyphs: 13,
    phiWeights: 14,
    phiBiases: 15,
  });
});
