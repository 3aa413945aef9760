// The kernels, one at a time: each call compiles what it needs (once a device), runs, and waits.

import type { Gpu } from '../gpu/gpu';
import { lazy } from '../gpu/lazy';
import { rowCosine, rowDot, signAgreement } from './compare';
import { add, panels, random, shiftRows, transpose, unpackBytes } from './data';
import { forward, marginSummary, outputResidual } from './forward';
import type { HalveArgs } from './half';
import { matmul } from './matmul';
import { mirror } from './mirror';
import { packRows } from './pack';
import { inputGradient, perturbRows, spanCoefficients } from './perturbation';
import type { Step } from './step';
import { momentumUpdate, plateau, weightGradient } from './weight-gradient';

const loadHalf = lazy(() => import('./half'));
const loadTheory = lazy(() => import('./theory'));

type Theory = typeof import('./theory');
/** A kernel that few runs need, loaded when it is called. */
const theory =
  <K extends keyof Theory>(name: K) =>
  async (gpu: Gpu, args: Parameters<Theory[K]>[1]): Promise<Step> =>
    ((await loadTheory())[name] as (gpu: Gpu, args: Parameters<Theory[K]>[1]) => Promise<Step>)(gpu, args);

const steps = {
  random,
  unpackBytes,
  panels,
  transpose,
  shiftRows,
  add,
  halve: async (gpu: Gpu, args: HalveArgs): Promise<Step> => (await loadHalf()).halve(gpu, args),
  forward,
  outputResidual,
  marginSummary,
  weightGradient,
  momentumUpdate,
  plateau,
  matmul,
  packRows,
  mirror,
  inputGradient,
  perturbRows,
  spanCoefficients,
  signAgreement,
  rowCosine,
  rowDot,
  phiTile: theory('phiTile'),
  phiSampled: theory('phiSampled'),
  planeCoordinates: theory('planeCoordinates'),
  planePrediction: theory('planePrediction'),
};

type Steps = typeof steps;
/** Every kernel as a function of its arguments that resolves when the device has done it. */
export type Kernels = { readonly [K in keyof Steps]: (args: Parameters<Steps[K]>[1]) => Promise<void> };

/** Binds the kernels to a device. */
export function bindKernels(gpu: Gpu): Kernels {
  const entries = Object.entries(steps).map(([name, prepare]) => [
    name,
    async (args: never) => {
      const step = (await (prepare as (gpu: Gpu, args: never) => Promise<Step>)(gpu, args)) as Step;
      const batch = gpu.batch(name);
      step(batch);
      await batch.submit();
    },
  ]);
  return Object.fromEntries(entries) as Kernels;
}
