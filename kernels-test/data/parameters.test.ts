import { describe, expect, test } from 'vitest';
import { loadInit } from '../../src/data/init';
import { loadTargets } from '../../src/data/labels';
import { nodeReadFile } from '../../src/data/node';
import { expectInputError, hasShared, memoryFiles, npyOf, SHARED } from './helpers';

const files = memoryFiles({
  W: npyOf([2, 3], Float32Array.of(1, 2, 3, 4, 5, 6)),
  b: npyOf([2], Float64Array.of(0.25, -1)),
  a: npyOf([2], Int32Array.of(1, -2)),
  flat: npyOf([6], new Float32Array(6)),
  column: npyOf([2, 1], new Float32Array(2)),
  nan: npyOf([2, 3], Float32Array.of(1, 2, 3, Number.NaN, 5, 6)),
  huge: npyOf([2], Float64Array.of(1, -1e39)),
  signs: npyOf([4], Int32Array.of(1, -1, -1, 1)),
});
const key = 'standard.init';

describe('loadInit', () => {
  test('loads what is named, in row order, as float32', async () => {
    expect(await loadInit({ W: 'W', b: 'b', a: 'a' }, 2, 3, files, key)).toEqual({
      W: Float32Array.of(1, 2, 3, 4, 5, 6),
      b: Float32Array.of(0.25, -1),
      a: Float32Array.of(1, -2),
    });
    expect(await loadInit({ b: 'b' }, 2, 3, files, key)).toEqual({ b: Float32Array.of(0.25, -1) });
    expect(await loadInit({}, 2, 3, files, key)).toEqual({});
  });

  test.each<[string, Record<string, string>, number, number, RegExp, string]>([
    ['W of another width', { W: 'W' }, 3, 3, /W has shape \(2, 3\).*width 3 and 3 inputs need \(3, 3\)/, `${key}.W`],
    ['W transposed', { W: 'W' }, 3, 2, /need \(3, 2\)/, `${key}.W`],
    ['W flattened', { W: 'flat' }, 2, 3, /shape \(6,\)/, `${key}.W`],
    ['b as a column', { b: 'column' }, 2, 3, /b has shape \(2, 1\).*need \(2,\)/, `${key}.b`],
    ['a of another width', { a: 'a' }, 1, 3, /network\.width 1 need \(1,\)/, `${key}.a`],
    ['NaN in W', { W: 'nan' }, 2, 3, /row 1, column 0 .* is NaN/, `${key}.W`],
    ['b beyond float32', { b: 'huge' }, 2, 3, /element 1 .* beyond/, `${key}.b`],
    ['a missing file', { a: 'nix' }, 2, 3, /no such file/, `${key}.a`],
  ])('refuses %s', async (_, init, m, d, message, at) => {
    await expectInputError(() => loadInit(init, m, d, files, key), message, { file: Object.values(init)[0]!, key: at });
  });

  test('names the key that says how many neurons there are', async () => {
    const drawn = () => loadInit({ a: 'a' }, 3, 3, files, 'theory.phi.init', 'theory.phi.draws');
    await expectInputError(drawn, /theory\.phi\.draws 3 need \(3,\)/, { key: 'theory.phi.init.a' });
  });

  test.skipIf(!hasShared)('loads a golden case', async () => {
    const read = nodeReadFile(`${SHARED}/golden/p1_sgauss_a_id`);
    const init = await loadInit({ W: 'f_W0.npy', b: 'f_b0.npy', a: 'f_a.npy' }, 16, 20, read, key);
    expect([init.W!.length, init.b!.length, init.a!.length]).toEqual([320, 16, 16]);
    // N(0, 1/d): the mean square of 320 entries lies within a third of 1/20.
    const square = init.W!.reduce((total, value) => total + value * value, 0) / 320;
    expect(Math.abs(square * 20 - 1)).toBeLessThan(1 / 3);
  });
});

describe('loadTargets', () => {
  test('signs of length n', async () => {
    expect(await loadTargets('signs', 4, files)).toEqual(Float32Array.of(1, -1, -1, 1));
  });

  test.each<[string, string, number, RegExp]>([
    ['too few', 'signs', 5, /4 targets for 5/],
    ['too many', 'signs', 3, /4 targets for 3/],
    ['a -2', 'a', 2, /label 1 .* is -2/],
    ['a matrix', 'W', 2, /one axis/],
    ['a missing file', 'nix', 2, /no such file/],
  ])('refuses %s', async (_, path, n, message) => {
    await expectInputError(() => loadTargets(path, n, files), message, { file: path, key: 'perturbation.targets' });
  });
});
