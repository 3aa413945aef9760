// Kernels on random shapes, slopes, variants and values against float64; what fails shrinks to a small case.
//   PERTURB_FUZZ_KERNELS=10000   so many cases; PERTURB_FUZZ_SEED as for the parsers

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runExperiment } from '../../src/experiment/run';
import { subgroupLanes } from '../../src/kernels/variant';
import { createEngine } from '../../src/node';
import type { Check } from '../checks/case';
import { checkAdd, checkPanels, checkTranspose } from '../checks/data';
import { checkForward, checkMarginSummary, checkOutputResidual } from '../checks/forward';
import { checkSignMask, checkSums } from '../checks/gram';
import { checkGramCoefficients, checkGramOutputs } from '../checks/gram-epoch';
import { checkMatmul } from '../checks/matmul';
import { checkInputGradient, checkPerturb } from '../checks/perturbation';
import { checkRowDot } from '../checks/theory';
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

const made = <T>(kernel: string, args: fc.Arbitrary<T>, check: (args: T) => Check, any = false): fc.Arbitrary<Case> =>
  args.map((given) => ({
    kernel,
    args: given,
    check: check(given),
    any,
    subgroup: (given as { variant?: string }).variant === 'subgroup',
  }));

const quads = (most: number) => fc.integer({ min: 1, max: most / 4 }).map((n) => 4 * n);
const margins = fc.array(
  fc.oneof(fc.float({ min: -100, max: 100, noNaN: true }), fc.constantFrom(0, -0, 1e-45, 3e38, -1e30, 87, 88, -104)),
  { minLength: 1, maxLength: 300 },
);

const cases: fc.Arbitrary<Case> = fc.oneof(
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
  made(
    'row dot',
    fc.record({ n: size(70), d: size(90), scale: fc.constantFrom(1, 1e-3, 1e5), same: fc.boolean() }),
    checkRowDot,
  ),
);

test(`${CASES} random cases, seed ${SEED}`, { timeout: 120_000 + 2000 * CASES }, async () => {
  const subgroups = subgroupLanes(bound.gpu) !== null;
  const counts: Record<string, number> = {};
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
  if (process.env.PERTURB_FUZZ_KERNELS) {
    process.stdout.write(`${JSON.stringify(counts)} in ${((performance.now() - began) / 1000).toFixed(0)} s\n`);
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
