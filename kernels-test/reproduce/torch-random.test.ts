// PyTorch's random numbers against numbers that PyTorch gave.

import { describe, expect, test } from 'vitest';
import { TorchCpu, TorchCuda } from '../../src/reproduce/torch-random';

/** The numbers of a layer of `m` neurons over 7 inputs and its readout, then the first weights of the next layer. */
function layers(seed: number, m: number) {
  const generator = new TorchCpu(seed);
  const weights = () => {
    generator.skipUniforms(8 * m);
    return generator.normals(7 * m, 1 / Math.sqrt(7));
  };
  const W = weights();
  const b = generator.normals(m, 1);
  const a = generator.normals(m, 1 / Math.sqrt(m));
  generator.skipInteger();
  return [W.slice(0, 3), W.slice(-3), b.slice(0, 2), b.slice(-2), a.slice(0, 2), a.slice(-2), weights().slice(0, 2)];
}

// torch.manual_seed(1); Linear(7, m); normal_(weight, 0, 1 / sqrt(7)); normal_(bias); torch.normal(0, 1 / sqrt(m), (1, m));
// torch.empty((), dtype=torch.int64).random_(); Linear(7, m); normal_(weight, 0, 1 / sqrt(7)), by PyTorch 1.13 on a CPU
const EXPECTED = {
  10: [
    [-0.191434, 0.037712, -0.247179],
    [-0.211759, 0.257662, -0.195409],
    [-1.760408, -0.497058],
    [-0.984331, -0.34744],
    [-0.610096, -0.164501],
    [-0.279347, 0.165203],
    [-0.090062, -0.51183],
  ],
  20: [
    [0.157813, -0.0804, -0.317474],
    [0.302096, -0.09899, 0.057197],
    [-0.227753, -0.86759],
    [-0.397817, -1.929106],
    [0.051959, 0.19263],
    [-0.334846, -0.201763],
    [0.153025, 0.12909],
  ],
  100: [
    [0.505633, -0.026939, -0.622475],
    [-0.352075, -0.074547, 0.398401],
    [-0.877331, 1.323954],
    [-1.503219, 1.244519],
    [-0.004159, 0.034815],
    [-0.024447, -0.008365],
    [-0.683624, -0.129595],
  ],
};

describe('random numbers of PyTorch', () => {
  test.each([
    10, 20, 100,
  ] as const)('two layers of %i neurons on the CPU: short arrays, odd ones, whole vectors', (m) => {
    for (const [at, values] of layers(1, m).entries()) {
      for (const [i, value] of values.entries()) expect(value).toBeCloseTo(EXPECTED[m][at]![i]!, 5);
    }
  });

  test('normals of a CUDA device, and calls that follow one another', () => {
    // torch.manual_seed(0); torch.randn(5, device="cuda")
    const expected = [-0.9247, -0.4253, -2.6438, 0.1452, -0.1209];
    const generator = new TorchCuda(0);
    const values = generator.normals(5, 1);
    for (const [i, value] of values.entries()) expect(value).toBeCloseTo(expected[i]!, 4);
    expect(generator.normals(5, 1)).not.toEqual(values);
  });

  test('signs are even, and refused where their order is not known', () => {
    const signs = new TorchCuda(0).signs(12700);
    // Of the targets behind the published map of MNIST (a).
    expect(signs.reduce((sum, sign) => sum + sign, 0)).toBe(150);
    expect(() => new TorchCuda(0).signs(10 ** 6)).toThrow(RangeError);
  });
});
