// Everything that reads bytes or text from outside, as one list: what a valid input is, and what takes it.

import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { CellDirectory } from '../../src/cli/cell-store';
import { CheckpointStore, readCheckpoint } from '../../src/cli/checkpoint';
import { readConfig } from '../../src/cli/config-file';
import { metricsIn } from '../../src/cli/map';
import { readCells } from '../../src/cli/sweep-store';
import { parseCifar10 } from '../../src/data/cifar10';
import { gunzip } from '../../src/data/gzip';
import { parseIdxImages, parseIdxLabels } from '../../src/data/idx';
import { signsFromNpy } from '../../src/data/labels';
import { matrixFromNpy } from '../../src/data/matrix';
import { encodeNpy, parseNpy } from '../../src/data/npy';
import { encodeNpz, parseNpz } from '../../src/data/npz';
import { toJson } from '../../src/experiment/artifacts';
import { applySets, parseConfig, resolvedJson } from '../../src/experiment/config';
import { parseConfigText } from '../../src/experiment/config-text';
import { contentHash } from '../../src/experiment/plan';
import { expandSweep } from '../../src/experiment/sweep';
import { parseGrid } from '../../src/experiment/sweep-grid';
import { idx } from '../data/helpers';
import { nearly, nearlyText } from './mutate';

export interface Target {
  readonly name: string;
  /** Share of the long mode's cases; all together 1. */
  readonly share: number;
  /** Cases in the suite. */
  readonly few: number;
  readonly input: fc.Arbitrary<unknown>;
  /** Takes the input; may throw nothing but an InputError. */
  take(input: never): unknown;
  /** Errors name this file. */
  readonly file?: string;
  /** Bytes of an input. */
  size?(input: never): number;
}

const target = <T>(given: {
  readonly name: string;
  readonly share: number;
  readonly few?: number;
  readonly input: fc.Arbitrary<T>;
  readonly take: (input: T) => unknown;
  readonly file?: string;
}): Target => ({ few: 400, ...given });

const floats = Float32Array.from({ length: 12 }, (_, i) => i / 4);
const npy = [
  encodeNpy([3, 4], floats),
  encodeNpy([12], floats.map(Math.sign)),
  encodeNpy([], Float32Array.of(3)),
  ...['<f2', '>f8', '|u1', '<i8', '|b1'].map((type) => npyOf(type, `(2, 3)`, 6 * Number(type[2]))),
];

/** A .npy file with any header. */
function npyOf(descr: string, shape: string, bytes: number): Uint8Array {
  const header = `{'descr': '${descr}', 'fortran_order': True, 'shape': ${shape}, }\n`;
  const text = new TextEncoder().encode(header);
  return Uint8Array.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, text.length, 0, ...text, ...new Uint8Array(bytes)]);
}
const images = idx(
  0x803,
  [3, 4, 5],
  new Uint8Array(60).map((_, i) => i),
);
const labels = idx(0x801, [7], [0, 1, 2, 3, 1, 2, 9]);
const cifar = new Uint8Array(2 * 3073).map((_, i) => (i % 3073 === 0 ? i % 10 : i));
const npz = [encodeNpz({ a: { shape: [3, 4], data: floats }, b: { shape: [12], data: floats } }), encodeNpz({})];
const gzip = [images, new Uint8Array(5000), new Uint8Array()].map((bytes) => new Uint8Array(gzipSync(bytes)));

const FILE = 'some/file';
const configs = [
  {},
  { data: { kind: 'npy', x: 'x.npy', y: 'y.npy' }, network: { width: 7, slope: 0.25 }, save: ['networks'] },
  { standard: { plateau: { factor: 0.5 }, init: { W: 'W.npy' } }, theory: { map: { limits: [-1, 1] } } },
  { data: { kind: 'idx', images: 'i', labels: 'l', classes: [1, 2] }, perturbation: { kind: 'l0', k: 3 } },
];
const grid = { base: { data: { n: 50 } }, vary: [{ key: 'data.d', values: [5, 6] }], seeds: 2, bestOver: ['data.d'] };

/** JSON values that have the keys of a configuration in all the wrong places. */
const keys = [
  ...new Set(
    JSON.stringify(configs.map((document) => resolvedJson(parseConfig(document))))
      .match(/"[a-zA-Z]+"(?=:)/g)!
      .map((key) => key.slice(1, -1)),
  ),
  '__proto__',
  'constructor',
];
const json = fc.letrec<{ value: unknown; object: object }>((tie) => ({
  object: fc.dictionary(fc.constantFrom(...keys), tie('value'), { maxKeys: 5 }),
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom<unknown>(null, true, 0, -1, 1, 0.5, 1e39, 2 ** 53, '', 'npy', 'l0', 'mnist', 'logistic', [], {}),
    fc.double(),
    fc.string({ maxLength: 8 }),
    tie('object'),
    fc.array(tie('value'), { maxLength: 3 }),
  ),
})).object;

const folder = mkdtempSync(join(tmpdir(), 'perturb-fuzz-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

/** A cell of a sweep as it is written, its check right. */
async function cellText(): Promise<{ hash: string; config: ReturnType<typeof parseConfig>; text: string }> {
  const config = parseConfig({ data: { n: 50 } });
  const body = { config: resolvedJson(config), metrics: { agreement: 0.5 }, loss: { standard: -1 } };
  const text = toJson({ ...body, check: await contentHash(body) });
  return { hash: await contentHash(resolvedJson(config)), config, text };
}

/** A checkpoint as it is written. */
async function checkpointFiles(): Promise<{ out: string; text: string; state: Uint8Array }> {
  const out = join(folder, 'run');
  const store = await CheckpointStore.open(out);
  const last = { epoch: 1, flips: 2, events: 3 };
  const choice = { phase: 'gram', chosen: 'gram', reason: 'asked for', flips: 2, last } as const;
  const identity = { clocks: [2, 2], carry: 0.81, moved: 0.1, flips: 2, events: 2, look: 0, kernel: true };
  const training = { epoch: 2, schedule: { lr: 0.5, best: -1, bad: 0 }, accuracyKnown: false, choice, identity };
  await store.write({
    config: parseConfig({}),
    baseDir: folder,
    device: 'x',
    versions: { 'perturb-gpu': '1' },
    inputs: { 'x.npy': 'a'.repeat(64) },
    checkpoint: { stage: 'standard', epoch: 2, facts: { training }, arrays: { training_weights: floats } },
  });
  await store.close();
  const text = await readFile(join(`${out}.checkpoint`, 'checkpoint.json'), 'utf8');
  return { out, text, state: await readFile(join(`${out}.checkpoint`, 'state-standard-2.npz')) };
}

/** @param forge puts the checksums right, as whoever means harm would */
async function takeCheckpoint(out: string, text: string, state: Uint8Array, forge: boolean): Promise<void> {
  let written = text;
  if (forge) {
    try {
      const { check: _, ...body } = JSON.parse(text) as Record<string, unknown>;
      const sha256 = createHash('sha256').update(state).digest('hex');
      const named = { ...(body.state as object | undefined), bytes: state.length, sha256 };
      const forged = JSON.parse(JSON.stringify({ ...body, state: named })) as object;
      written = JSON.stringify({ ...forged, check: await contentHash(forged) });
    } catch (error) {
      // A text that is no object cannot be forged: it goes in as it is.
      if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
    }
  }
  await writeFile(join(`${out}.checkpoint`, 'checkpoint.json'), written);
  await writeFile(join(`${out}.checkpoint`, 'state-standard-2.npz'), state);
  const { checkpoint } = await readCheckpoint(out);
  if (!Number.isSafeInteger(checkpoint.epoch) || !['standard', 'learning'].includes(checkpoint.stage)) {
    throw new Error('a checkpoint was taken that is none');
  }
}

/** Every target; made when asked for, because some need files. */
export async function targets(): Promise<Target[]> {
  const cell = await cellText();
  const saved = await checkpointFiles();
  const cells = join(folder, 'sweep/cells');
  await mkdir(cells, { recursive: true });
  const store = await CellDirectory.open(join(folder, 'reproduction'));
  const id = 'a'.repeat(64);
  const kept = { id, metrics: [], seconds: 1, device: 'x', versions: {} };
  const outcome = toJson({ ...kept, check: await contentHash(kept) });
  return [
    target({
      name: 'npy',
      share: 0.2,
      input: nearly(npy),
      file: FILE,
      take: (bytes) => {
        const array = parseNpy(bytes, FILE);
        return array.shape.length === 1 ? signsFromNpy(array, FILE) : matrixFromNpy(array, FILE);
      },
    }),
    target({
      name: 'checkpoint',
      share: 0.02,
      few: 100,
      input: fc.record({ text: nearlyText([saved.text]), state: nearly([saved.state]), forge: fc.boolean() }),
      take: ({ text, state, forge }) => takeCheckpoint(saved.out, text, state, forge),
    }),
    target({ name: 'npz', share: 0.13, input: nearly(npz), take: (bytes) => parseNpz(bytes, FILE) }),
    target({
      name: 'IDX images',
      share: 0.1,
      input: nearly([images]),
      file: FILE,
      take: (b) => parseIdxImages(b, FILE),
    }),
    target({
      name: 'IDX labels',
      share: 0.1,
      input: nearly([labels]),
      file: FILE,
      take: (b) => parseIdxLabels(b, FILE),
    }),
    target({
      name: 'CIFAR-10',
      share: 0.06,
      input: nearly([cifar, cifar.subarray(3073)]),
      file: FILE,
      take: (bytes) => parseCifar10(bytes, FILE),
    }),
    target({ name: 'gzip', share: 0.05, input: nearly(gzip), file: FILE, take: (bytes) => gunzip(bytes, FILE) }),
    target({
      name: 'configuration text',
      share: 0.14,
      input: nearlyText(configs.map((document) => JSON.stringify(document))),
      take: (text) => parseConfig(parseConfigText(text, FILE)),
    }),
    target({ name: 'configuration document', share: 0.08, input: json, take: (document) => parseConfig(document) }),
    target({
      name: '--set',
      share: 0.04,
      input: nearlyText(['data.n=5', 'data.classes=[1,2]', 'loss=logistic', 'standard={"lr":1}']),
      take: (set) => parseConfig(applySets({}, [set])),
    }),
    target({
      name: 'grid of a sweep',
      share: 0.03,
      input: nearlyText([JSON.stringify(grid)]),
      take: (text) => {
        const read = parseGrid(parseConfigText(text, FILE), { file: FILE });
        return expandSweep(read, typeof read.base === 'string' ? {} : read.base);
      },
    }),
    target({
      name: 'cell of a sweep',
      share: 0.015,
      few: 100,
      input: nearlyText([cell.text]),
      take: async (text) => {
        await writeFile(join(cells, `${cell.hash}.json`), text);
        const { outcomes, bad } = await readCells(join(folder, 'sweep'), [cell]);
        if (outcomes.size + bad.length !== 1) throw new Error('a cell is neither taken nor refused');
        if (outcomes.size === 1 && text.trim() !== cell.text.trim()) requireSame(text, cell.text);
      },
    }),
    target({
      name: 'cell of a reproduction',
      share: 0.015,
      few: 100,
      input: nearlyText([outcome]),
      take: async (text) => {
        await writeFile(join(folder, `reproduction/cells/${id}.json`), text);
        if (await store.load(id)) requireSame(text, outcome);
      },
    }),
    target({
      name: 'result.json',
      share: 0.01,
      few: 100,
      input: nearlyText([toJson({ metrics: { agreement: 0.5, cosine: 0.9 } })]),
      take: metricsIn,
    }),
    target({
      name: 'configuration of a result directory',
      share: 0.01,
      few: 50,
      input: nearlyText([toJson(resolvedJson(parseConfig({})))]),
      take: async (text) => {
        const file = join(folder, 'config.json');
        await writeFile(file, text);
        await readConfig({ file, sets: ['save=[]'] }, folder);
        await rm(file);
      },
    }),
  ];
}

/** What passes a checksum must be what was written. */
function requireSame(text: string, written: string): void {
  if (JSON.stringify(JSON.parse(text)) !== JSON.stringify(JSON.parse(written)))
    throw new Error('a changed cell was taken');
}
