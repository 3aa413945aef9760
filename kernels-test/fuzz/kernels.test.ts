// Kernels on random shapes, slopes, variants and values against float64; what fails shrinks to a small case.
//   PERTURB_FUZZ_KERNELS=10000   so many cases; PERTURB_FUZZ_SEED as for the parsers
//   PERTURB_FUZZ_ONLY='Phi|loop'   of the kernels whose names match

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runExperiment } from '../../src/experiment/run';
import { subgroupLanes } from '../../src/kernels/variant';
import { createEngine } from '../../src/node';
import { type Check, UndecidedCase } from '../checks/case';
import { checkAdd, checkPanels, checkTranspose } from '../checks/data';
import { checkForward, checkMarginSummary, checkOutputResidual } from '../checks/forward';
import { checkLabelSums, checkSignMask, checkSums } from '../checks/gram';
import { checkGramCoefficients, checkGramOutputs } from '../checks/gram-epoch';
import { checkGramIdentity } from '../checks/gram-identity';
import { checkMatmul } from '../checks/matmul';
import { checkInputGradient, checkPerturb } from '../checks/perturbation';
import {
  checkPhiSampled,
  checkPhiTile,
  checkPlaneCoordinates,
  checkPlanePrediction,
  checkRowDot,
} from '../checks/theory';
import { checkMomentumUpdate, checkPlateau, checkWeightGradient } from '../checks/training';
import { ADAPTER, expectSameBits, flavour, TINY, useEngine } from '../helpers';
import { numbersOf, smallConfig } from '../pipeline/helpers';
import { SEED } from './settings';

const CASES = Number(process.env.PERTURB_FUZZ_KERNELS ?? 60);
const bound = useEngine();

/** Around tiles more often than elsewhere. */
const size = (most: number) =>
  fc.oneof(fc.integer({ min: 1, max: most }), fc.constantFrom(...[1, 31, 32, 33, 63, 64, 65].filter((n) => n <= most)));
const slope = fc.oneof(fc.constantFrom(0, 1, 0.25), fc.double({ min: 1e-3, max: 1, noNaN: true }).map(Math.fround));
const variant = fc.constantFrom('subgroup' as const, 'tiled' as const);
const loss = fc.constantFrom('identity' as const, 'logistic' as const);
const shape = fc.tuple(size(130), size(80), size(100));

const FLAVOURS = {
  plain: { special: [], floor: 0 },
  // Zeros of both signs, and values that are equal.
  ties: { special: [() => 0, () => -0, (_: number, before: number) => before], floor: 0 },
  // Flushed or not: a sum of a thousand terms, each a product with something below a thousand.
  tiny: { special: [(value: number) => value * 1e-40, () => TINY], floor: 2 ** 20 * TINY },
  huge: { special: [(value: number) => value * 1e12], floor: 0 },
} as const;

interface Case {
  readonly kernel: string;
  readonly args: unknown;
  readonly check: Check;
  /** Whether values of every kind may be drawn. */
  readonly any?: boolean;
  readonly subgroup?: boolean;
}

interface Source {
  readonly kernel: string;
  readonly cases: fc.Arbitrary<Case>;
}

const made = <T>(kernel: string, args: fc.Arbitrary<T>, check: (args: T) => Check, any = false): Source => ({
  kernel,
  cases: args.map((given) => ({
    kernel,
    args: given,
    check: check(given),
    any,
    subgroup: JSON.stringify(given).includes('"subgroup"'),
  })),
});

const quads = (most: number) => fc.integer({ min: 1, max: most / 4 }).map((n) => 4 * n);
const margins = fc.array(
  fc.oneof(fc.float({ min: -100, max: 100, noNaN: true }), fc.constantFrom(0, -0, 1e-45, 3e38, -1e30, 87, 88, -104)),
  { minLength: 1, maxLength: 300 },
);

/** Epochs cut into chunks, chunks of no epochs among them; the last has work. */
const cutsOf = (epochs: number): fc.Arbitrary<number[]> =>
  fc.array(fc.nat(epochs - 1), { maxLength: 4 }).map((stops) => {
    const ends = [...stops.sort((a, b) => a - b), epochs];
    return ends.map((end, k) => end - (ends[k - 1] ?? 0));
  });
/** Parts differ in their rates: one that does not change is no end of a part. */
const rates = fc.shuffledSubarray([0.003, 0.03, 0.1, 0.3], { minLength: 1, maxLength: 3 });
const momentum = fc.constantFrom(0, 0.5, 0.9);
/** Parts of a training, and the same cut in another way. */
const parts = rates
  .chain((lrs) => fc.tuple(...lrs.map((lr) => fc.tuple(fc.constant(lr), fc.integer({ min: 1, max: 24 })))))
  .chain((lengths) =>
    fc.record({
      parts: fc.tuple(...lengths.map(([lr, epochs]) => cutsOf(epochs).map((chunks) => ({ lr, chunks })))),
      recuts: fc.tuple(...lengths.map(([, epochs]) => cutsOf(epochs))).map((cuts) => [cuts]),
    }),
  );
const training = fc
  .record({
    m: fc.integer({ min: 1, max: 4 }),
    // At 1 there is no kink: the reference, which looks at derivatives, then sees no flips to count.
    slope: slope.filter((value) => value < 1),
    momentum,
    labels: fc.nat(2),
    start: fc.constantFrom(0, 1, 300),
    cut: parts,
  })
  .map(({ cut, ...rest }) => ({ ...rest, ...cut }));
/** Against every epoch in float64; however cut, and whatever runs beside. */
const neuronLoop = fc
  .record({
    n: size(101),
    d: fc.integer({ min: 2, max: 12 }),
    own: training,
    beside: fc.array(
      training.map(({ recuts: _, ...rest }) => rest),
      { maxLength: 1 },
    ),
  })
  .map(({ own, ...rest }) => ({ ...rest, ...own }));
/** The subgroup variant is skipped where there is none. */
const loopVariant = fc.constantFrom('subgroup' as const, 'workgroup' as const);

const sources: readonly Source[] = [
  made(
    'matmul',
    fc.record({
      variant,
      steps: size(80),
      rows: size(90),
      columns: quads(100),
      a: fc.constantFrom('plain' as const, 'panels' as const, 'transposed' as const),
      b: fc.constantFrom('plain' as const, 'panels' as const),
      scale: fc.constantFrom(1, -3, 0.1),
      accumulate: fc.boolean(),
    }),
    // Panels come in whole ones.
    (args) => checkMatmul(args.b === 'panels' ? { ...args, columns: Math.ceil(args.columns / 32) * 32 } : args),
    true,
  ),
  made('forward', fc.record({ shape, slope, variant }), checkForward),
  made('weight gradient', fc.record({ shape, variant, splits: fc.integer({ min: 1, max: 4 }) }), checkWeightGradient),
  made('momentum', fc.record({ d: size(60), m: size(60), parts: size(5), slope, variant }), checkMomentumUpdate, true),
  made('input gradient', fc.record({ shape, slope, variant }), checkInputGradient),
  made(
    'perturbation',
    fc
      .record({
        kind: fc.constantFrom('l2' as const, 'linf' as const, 'l0' as const),
        n: size(70),
        d: size(90),
        ties: fc.boolean(),
        k: size(90),
      })
      .map(({ k, ...rest }) => ({ ...rest, size: 0.03, ...(rest.kind === 'l0' ? { k: Math.min(k, rest.d) } : {}) })),
    checkPerturb,
  ),
  made(
    'output residual',
    fc.record({ n: size(130), words: size(5), start: size(40), loss, size: fc.constantFrom(1, 4, 50) }),
    checkOutputResidual,
  ),
  made('margin summary', fc.tuple(margins, loss), ([z, of]) =>
    checkMarginSummary(of === 'identity' ? z.map((v) => Math.fround(v % 1e6)) : z.map((v) => Math.fround(v % 1e6)), of),
  ),
  made('plateau', fc.array(fc.float({ min: -100, max: 100, noNaN: true }), { minLength: 1, maxLength: 60 }), (losses) =>
    checkPlateau({ losses }),
  ),
  made('Gram outputs', fc.record({ n: size(100), m: size(80), slope, variant }), checkGramOutputs),
  made('Gram coefficients', fc.record({ n: size(100), m: size(80), slope, variant }), checkGramCoefficients),
  made(
    'sign mask',
    fc
      .tuple(size(90), size(90), fc.constantFrom(25, 32))
      .map(([n, m, group]) => ({ n, m, group, ld: Math.ceil(n / 32) * 32 })),
    checkSignMask,
  ),
  made(
    'sums',
    fc.record({ rows: size(90), cols: size(90), of: fc.constantFrom('rows' as const, 'columns' as const) }),
    checkSums,
    true,
  ),
  made('transpose', fc.record({ rows: size(130), cols: size(130) }), checkTranspose, true),
  made('panels', fc.tuple(size(130), size(80)), ([n, d]) => checkPanels(n, d), true),
  made('add', fc.record({ count: size(700) }), ({ count }) => checkAdd(count, 0.5), true),
  made('neuron loop', fc.tuple(neuronLoop, loopVariant), ([test, of]) => checkGramIdentity(test, of)),
  made('label sums', fc.record({ n: size(130), vectors: fc.integer({ min: 1, max: 3 }) }), checkLabelSums),
  made(
    'Phi',
    fc.record({
      rows: size(40),
      columns: size(40),
      d: size(70),
      slope,
      start: fc.nat(9),
      scale: fc.constantFrom(1e-12, 1e-3, 1, 30, 300),
      points: fc.oneof(
        fc.constantFrom('apart' as const, 'equal' as const, 'opposite' as const, 'parallel' as const),
        fc.constantFrom(1e-6, 1e-4, 1e-3, 0.1).map((near) => ({ near })),
      ),
    }),
    checkPhiTile,
  ),
  made(
    'Phi of draws',
    fc.record({ rows: size(40), columns: size(40), draws: size(300), slope, start: fc.nat(9) }),
    checkPhiSampled,
  ),
  made(
    'plane coordinates',
    fc.record({ n: size(70), d: size(130), off: fc.constantFrom(0, 1e-3, 1, 10) }),
    checkPlaneCoordinates,
  ),
  made(
    'plane prediction',
    fc.record({
      n: size(130),
      count: size(70),
      d: fc.integer({ min: 2, max: 130 }),
      slope,
      scale: fc.constantFrom(1e-3, 1, 20),
      on: fc.boolean(),
    }),
    checkPlanePrediction,
  ),
  made(
    'row dot',
    fc.record({ n: size(70), d: size(90), scale: fc.constantFrom(1, 1e-3, 1e5), same: fc.boolean() }),
    checkRowDot,
  ),
];
const only = new RegExp(process.env.PERTURB_FUZZ_ONLY ?? '');
const cases = fc.oneof(...sources.filter(({ kernel }) => only.test(kernel)).map(({ cases }) => cases));

test(`${CASES} random cases, seed ${SEED}`, { timeout: 120_000 + 2000 * CASES }, async () => {
  const subgroups = subgroupLanes(bound.gpu) !== null;
  const counts: Record<string, number> = {};
  let undecided = 0;
  const began = performance.now();
  await fc.assert(
    fc.asyncProperty(
      cases,
      fc.constantFrom(...(Object.keys(FLAVOURS) as (keyof typeof FLAVOURS)[])),
      fc.nat(1e6),
      async ({ kernel, args, check, any, subgroup }, kind, salt) => {
        if (subgroup && !subgroups) return;
        counts[kernel] = (counts[kernel] ?? 0) + 1;
        Object.assign(flavour, { salt, ...FLAVOURS[any ? kind : 'plain'] });
        try {
          await check(bound.gpu);
        } catch (error) {
          if (error instanceof UndecidedCase) {
            undecided++;
            return;
          }
          throw new Error(
            `${kernel} ${JSON.stringify(args)}, ${any ? kind : 'plain'} values: ${(error as Error).message}`,
          );
        } finally {
          Object.assign(flavour, { salt: 0, ...FLAVOURS.plain });
        }
      },
    ),
    { numRuns: CASES, seed: SEED },
  );
  // Most say something, or the cases are the wrong ones.
  expect(undecided).toBeLessThan(Math.max(10, CASES / 20));
  if (process.env.PERTURB_FUZZ_KERNELS) {
    process.stdout.write(
      `${JSON.stringify(counts)}, ${undecided} undecided, in ${((performance.now() - began) / 1000).toFixed(0)} s\n`,
    );
  }
});

test('bounds checks of the driver change nothing: no kernel relies on them', async () => {
  const named = ADAPTER ? { adapter: ADAPTER } : {};
  await using bare = await createEngine({ ...named, toggles: ['disable_robustness'] });
  for (const trainer of ['direct', 'gram'] as const) {
    for (const loss of ['identity', 'logistic'] as const) {
      // Without the checks LLVM takes minutes over the neuron loop (its coroutine frame); SwiftShader has them compared.
      if (trainer === 'gram' && loss === 'identity' && bound.gpu.adapter.architecture === 'software') continue;
      const config = smallConfig({
        trainer,
        loss,
        theory: { cosine: true },
        save: ['networks', 'perturbations', 'outputs'],
      });
      const numbers = numbersOf(await runExperiment(bare, config));
      for (const [name, values] of Object.entries(numbersOf(await runExperiment(bound.engine, config)))) {
        expectSameBits(`${trainer} ${loss} ${name} without robustness`, numbers[name]!, values);
      }
    }
  }
  expect(bare.gpu.liveArrays).toBe(0);
});
