// All sabotages: ways kernels break (one off, wrong sign, a guard missing, an index transposed).

import { CEILINGS } from './ceilings';
import { CROWD } from './crowd';
import { DATA } from './data';
import { FORWARD } from './forward';
import { GRAM } from './gram';
import { GRAM_IDENTITY } from './gram-identity';
import { LIVE } from './live';
import { MATMUL } from './matmul';
import { PERTURBATION } from './perturbation';
import type { Sabotages } from './sabotage';
import { THEORY } from './theory';
import { TRAINING } from './training';

export const SABOTAGES: Sabotages = {
  ...CEILINGS,
  ...CROWD,
  ...DATA,
  ...FORWARD,
  ...GRAM,
  ...GRAM_IDENTITY,
  ...LIVE,
  ...MATMUL,
  ...PERTURBATION,
  ...THEORY,
  ...TRAINING,
};
