// The configuration's schema: the one place that says which keys exist, what they may hold and what they default to.
// Every message is a noun phrase ("an integer of at least 1"), so that config-problems.ts can build from it both what is
// wrong ("must be ..., not ...") and what to do ("Set ... to ...").

import * as v from 'valibot';

/** The schema version that config.json carries and that this version reads. */
export const SCHEMA_VERSION = 1;

/** Sizes and counts travel to the shaders as u32 and as i32 loop bounds. */
const LARGEST_COUNT = 2 ** 31 - 1;

const number = (phrase: string, holds: (value: number) => boolean) => v.pipe(v.number(phrase), v.check(holds, phrase));

const integer = (least: number, most = LARGEST_COUNT) =>
  number(
    most === LARGEST_COUNT ? `an integer of at least ${least}` : `an integer from ${least} to ${most}`,
    (value) => Number.isInteger(value) && value >= least && value <= most,
  );

// The kernels compute in float32: a value that rounds to zero or to infinity there would be silently another one.
const isPositive = (value: number) => Math.fround(value) > 0 && Number.isFinite(Math.fround(value));
const positive = number('a finite number above 0', isPositive);
const notNegative = number('a finite number of at least 0', (value) => value === 0 || isPositive(value));
const finite = number('a finite number', (value) => Number.isFinite(Math.fround(value)));
const share = number('a number of at least 0 and below 1', (value) => value >= 0 && Math.fround(value) < 1);
const shrink = number('a number above 0 and below 1', (value) => isPositive(value) && Math.fround(value) < 1);

const path = (what: string) => v.pipe(v.string(`the path of ${what}`), v.minLength(1, `the path of ${what}`));
const choice = <const T extends readonly string[]>(options: T) =>
  v.picklist(options, `one of ${options.map((option) => JSON.stringify(option)).join(', ')}`);
const yesNo = v.boolean('true or false');

const section = <const E extends v.ObjectEntries>(entries: E, phrase = 'an object') => v.object(entries, phrase);

/** Two classes: the first becomes +1, the second -1. One check for the whole list, so that one message speaks of it. */
const classPair = (most: number) =>
  v.custom<[number, number]>(
    (value) =>
      Array.isArray(value) &&
      value.length === 2 &&
      value.every((label: unknown) => Number.isInteger(label) && Number(label) >= 0 && Number(label) <= most) &&
      value[0] !== value[1],
    `a list of two different integers from 0 to ${most}`,
  );
const DIGITS = classPair(9);

/** An object, or one particular boolean: the schema is chosen by what was written, so that messages name the inner key. */
const objectOr = <O extends v.GenericSchema, S extends v.GenericSchema>(object: O, scalar: S) =>
  v.lazy((input): O | S => (typeof input === 'object' && input !== null ? object : scalar));

const plateau = objectOr(
  section({
    factor: v.optional(shrink, 0.1),
    patience: v.optional(integer(0), 10),
    threshold: v.optional(share, 1e-4),
  }),
  v.literal(false, 'false, or an object with factor, patience and threshold'),
);

const hiddenFiles = { W: v.exactOptional(path('a .npy file')), b: v.exactOptional(path('a .npy file')) };
const hiddenInit = section(hiddenFiles);
const init = section({ ...hiddenFiles, a: v.exactOptional(path('a .npy file')) });

const training = section({
  lr: v.optional(positive, 1),
  epochs: v.optional(integer(0), 1000),
  momentum: v.optional(share, 0.9),
  plateau: v.optional(plateau, {}),
  init: v.exactOptional(init),
});

const imageFolder = <const K extends string>(kind: K, classes: [number, number], subtract: number) =>
  section({
    kind: v.literal(kind),
    dir: path('the folder that holds the four IDX files'),
    classes: v.optional(DIGITS, classes),
    subtract: v.optional(finite, subtract),
  });

/** Test files come in pairs, since a test image is chosen by its label. */
const together = (one: string, other: string, value: Readonly<Record<string, unknown>>) =>
  value[one] === undefined || value[other] !== undefined;

export const dataSchema = v.variant(
  'kind',
  [
    section({
      kind: v.literal('shifted-gauss'),
      n: v.optional(integer(2), 1000), // both classes have a sample
      d: v.optional(integer(1), 100),
      shift: v.optional(finite, 0.3),
    }),
    section({ kind: v.literal('gauss'), n: v.optional(integer(1), 1000), d: v.optional(integer(1), 100) }),
    section({
      kind: v.literal('glyphs'),
      n: v.optional(integer(2), 1000),
      classes: v.optional(DIGITS, [1, 2]),
      size: v.optional(integer(8, 256), 20),
    }),
    v.pipe(
      section({
        kind: v.literal('idx'),
        images: path('an IDX file of images'),
        labels: path('an IDX file of labels'),
        testImages: v.exactOptional(path('an IDX file of images')),
        testLabels: v.exactOptional(path('an IDX file of labels')),
        classes: classPair(255),
        subtract: v.optional(finite, 0),
      }),
      v.forward(
        v.check((data) => together('testImages', 'testLabels', data), 'given when testImages is'),
        ['testLabels'],
      ),
      v.forward(
        v.check((data) => together('testLabels', 'testImages', data), 'given when testLabels is'),
        ['testImages'],
      ),
    ),
    imageFolder('mnist', [1, 2], 0.1307),
    imageFolder('fashion-mnist', [0, 9], 0.286),
    section({
      kind: v.literal('cifar10'),
      dir: path('the folder that holds the CIFAR-10 binary files'),
      classes: v.optional(DIGITS, [0, 1]),
    }),
    v.pipe(
      section({
        kind: v.literal('npy'),
        x: path('a .npy file'),
        y: path('a .npy file'),
        testX: v.exactOptional(path('a .npy file')),
        testY: v.exactOptional(path('a .npy file')),
      }),
      v.forward(
        v.check((data) => together('testY', 'testX', data), 'given when testY is'),
        ['testX'],
      ),
    ),
  ],
  'an object',
);

const perturbation = v.pipe(
  section({
    kind: v.optional(choice(['l2', 'linf', 'l0']), 'l2'),
    // 0 is a setting of the published figures: perturbations that vanish.
    size: v.optional(notNegative, 0.01),
    onData: v.optional(yesNo, false),
    k: v.exactOptional(integer(1)),
    targets: v.exactOptional(path('a .npy file')),
  }),
  v.forward(
    v.check((value) => value.k === undefined || value.kind === 'l0', 'left out unless perturbation.kind is "l0"'),
    ['k'],
  ),
);

const map = objectOr(
  section({
    resolution: v.optional(integer(2, 8192), 400),
    limits: v.optional(
      v.custom<[number, number]>(
        (value) => Array.isArray(value) && value.length === 2 && value.every(Number.isFinite) && value[0] < value[1],
        'a list of two numbers, the lower first',
      ),
      [-7, 7],
    ),
  }),
  v.boolean('true, false, or an object with resolution and limits'),
);

const phi = objectOr(
  // Counts of neurons are exact in float32.
  section({ draws: v.optional(integer(1, 2 ** 24 - 1), 1000), init: v.exactOptional(hiddenInit) }),
  v.literal('exact', '"exact", or an object with draws'),
);

export const SAVE_ITEMS = ['data', 'networks', 'perturbations', 'outputs', 'theory'] as const;

const SAFE_SEED = 'an integer from 0 to 9007199254740991';

export const configSchema = section({
  schemaVersion: v.exactOptional(v.literal(SCHEMA_VERSION, `${SCHEMA_VERSION}, the version this perturb-gpu reads`)),
  seed: v.optional(
    number(SAFE_SEED, (value) => Number.isSafeInteger(value) && value >= 0),
    0,
  ),
  data: v.optional(dataSchema, { kind: 'shifted-gauss' }),
  network: v.optional(section({ width: v.optional(integer(1), 100), slope: v.optional(share, 0) }), {}),
  loss: v.optional(choice(['identity', 'logistic']), 'identity'),
  standard: v.optional(training, {}),
  perturbation: v.optional(perturbation, {}),
  learning: v.optional(training, {}),
  test: v.optional(section({ n: v.exactOptional(integer(1)) }), {}),
  theory: v.optional(
    section({ cosine: v.optional(yesNo, false), map: v.optional(map, false), phi: v.optional(phi, 'exact') }),
    {},
  ),
  trainer: v.optional(choice(['auto', 'direct', 'gram']), 'auto'),
  precision: v.optional(choice(['f32', 'f16']), 'f32'),
  save: v.optional(
    v.pipe(
      v.array(choice(SAVE_ITEMS), `a list of any of ${SAVE_ITEMS.map((item) => JSON.stringify(item)).join(', ')}`),
      v.transform((items) => [...new Set(items)]),
    ),
    [],
  ),
});
