import { describe, test } from 'vitest';
import {
  checkGramCoefficients,
  checkGramOutputs,
  type GramCoefficientsCase,
  type GramOutputsCase,
} from '../checks/gram-epoch';
import { useEngine, variants } from '../helpers';

const bound = useEngine();

describe('gram_outputs', () => {
  test.for([
    { n: 1, m: 1, slope: 0 },
    { n: 7, m: 31, slope: 0.25 },
    { n: 31, m: 32, slope: 0 },
    { n: 64, m: 33, slope: 0.25 },
    { n: 65, m: 64, slope: 0, start: 1 },
    { n: 101, m: 100, slope: 0.25, start: 31 },
    { n: 257, m: 65, slope: 0.1, start: 64 },
    { n: 33, m: 7, slope: 1, start: 784 },
  ] as Omit<GramOutputsCase, 'variant'>[])('float64 reference, every bit, zeros being off: %j', async (each) => {
    for (const variant of variants(bound.gpu)) await checkGramOutputs({ ...each, variant })(bound.gpu);
  });
});

describe('gram_coefficients', () => {
  test.for([
    { n: 1, m: 1, slope: 0 },
    { n: 7, m: 31, slope: 0.25 },
    { n: 31, m: 32, slope: 0 },
    { n: 64, m: 33, slope: 0.25, momentum: 0 },
    { n: 65, m: 64, slope: 0, start: 1, lr: 100 },
    { n: 101, m: 100, slope: 0.25, start: 31 },
    { n: 257, m: 65, slope: 0.1, start: 64, momentum: 0.5 },
    { n: 33, m: 7, slope: 1, start: 96, lr: 1e-8 },
  ] as Omit<GramCoefficientsCase, 'variant'>[])('float64 reference: %j', async (each) => {
    for (const variant of variants(bound.gpu)) await checkGramCoefficients({ ...each, variant })(bound.gpu);
  });
});
