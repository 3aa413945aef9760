// Files of one's own: dropped or picked, held in this page and read by the engine in its worker. None leaves this browser;
// those of a run that is kept lie with it in the browser's storage until it ends or is discarded (kept-runs.ts).

import { batch, signal } from '@preact/signals';
import { CIFAR10_BATCH, CIFAR10_FILES, parseCifar10 } from '../data/cifar10';
import { gunzip, isGzip } from '../data/gzip';
import { parseIdxImages, parseIdxLabels } from '../data/idx';
import { InputError } from '../data/input-error';
import { MNIST_FILES } from '../data/mnist';
import { parseNpy } from '../data/npy';
import { parseConfig } from '../experiment/config';
import { configFiles } from '../experiment/config-files';
import { parseConfigText } from '../experiment/config-text';
import type { DataConfig, ExperimentConfig } from '../experiment/types';
import type { Draft } from './config-link';
import { dismiss, say } from './notices';
import { chooseData, draft } from './setup';

/** `records`: images of CIFAR-10 with their labels. */
type Role = 'images' | 'labels' | 'x' | 'y' | 'records';

/** A file that is understood. */
export interface Held {
  readonly name: string;
  readonly role: Role;
  readonly test: boolean;
  /** What is in it, in words. */
  readonly about: string;
  readonly file: File;
  /** Labels and records only: the classes that are there, ascending. */
  readonly classes?: readonly number[];
  /** Records only. */
  readonly rows?: number;
}

export const held = signal<readonly Held[]>([]);

const IDX = { images: 0x803, labels: 0x801 } as const;
const NPY_MAGIC = '\x93NUMPY';
const ACCEPTED =
  'IDX (such as train-images-idx3-ubyte) or CIFAR-10’s data_batch_1.bin, gzipped or not, .npy, or a config.json of this program';

/** Words that say a file is for testing; the part that it is may follow at once, as in "testx". */
const TEST_WORD = /^(t10k|(test|val)(x|y|data|set|images?|labels?|\d+)?|testing|valid|validation)$/i;

/** Whether a file is named as one for testing. */
export const isTest = (name: string): boolean =>
  name
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .split(/[^A-Za-z0-9]+/)
    .some((word) => TEST_WORD.test(word));

async function understand(file: File): Promise<Held | Draft> {
  const { name } = file;
  const packed = new Uint8Array(await file.arrayBuffer());
  const bytes = isGzip(packed) ? await gunzip(packed, name) : packed;
  const head = new DataView(bytes.buffer, bytes.byteOffset, Math.min(8, bytes.length));
  const common = { name, file, test: isTest(name) };
  if (String.fromCharCode(...bytes.subarray(0, 6)) === NPY_MAGIC) {
    const { shape, data } = parseNpy(bytes, name);
    const size = shape.join(' × ');
    if (shape.length === 2) return { ...common, role: 'x', about: `${shape[0]} rows of ${shape[1]} numbers` };
    if (shape.length === 1) return { ...common, role: 'y', about: `${data.length} labels` };
    throw new InputError(`an array of shape ${size} is neither rows nor labels`, {
      file: name,
      remedy: 'Give an array of shape (n, d) for the samples, and one of shape (n,) with −1 and +1 for the labels.',
    });
  }
  if (bytes.length >= 4 && head.getUint32(0) === IDX.images) {
    const { count, width, height } = parseIdxImages(bytes, name);
    return { ...common, role: 'images', about: `${count} images of ${width} × ${height}` };
  }
  if (bytes.length >= 4 && head.getUint32(0) === IDX.labels) {
    const labels = parseIdxLabels(bytes, name);
    return { ...common, role: 'labels', about: `${labels.length} labels`, classes: classesOf(labels) };
  }
  if (CIFAR_NAME.test(name)) return { ...common, role: 'records', ...recordsIn(bytes, name) };
  if (/\.json$/i.test(name)) {
    return parseConfig(parseConfigText(new TextDecoder().decode(bytes), name), { file: name }) as unknown as Draft;
  }
  throw new InputError('this file is in no format that is read here', { file: name, remedy: `Drop ${ACCEPTED}.` });
}

/** Records say nothing of themselves: the published names do. */
const CIFAR_NAME = /^(data_batch_[1-5]|test_batch)\.bin(\.gz)?$/;

function recordsIn(bytes: Uint8Array, name: string): Pick<Held, 'about' | 'classes' | 'rows'> {
  const { labels } = parseCifar10(bytes, name);
  return { about: `${labels.length} images of CIFAR-10`, classes: classesOf(labels), rows: labels.length };
}

const classesOf = (labels: Uint8Array): number[] => [...new Set(labels)].sort((a, b) => a - b);

const isHeld = (what: Held | Draft): what is Held => 'role' in what && 'file' in what;

/** Takes files in. What is wrong with any of them is said, and those that are right are kept. */
export async function takeFiles(files: readonly File[]): Promise<void> {
  const wrong: unknown[] = [];
  let document: Draft | undefined;
  const added: Held[] = [];
  for (const file of files) {
    try {
      const what = await understand(file);
      if (isHeld(what)) added.push(what);
      else document = what;
    } catch (error) {
      wrong.push(error);
    }
  }
  batch(() => {
    if (added.length > 0) bringBack(added);
    if (document) draft.value = document;
    else if (added.length > 0) useHeld(added);
    const [first] = wrong;
    if (first === undefined) dismiss('files');
    else {
      const { message, remedy, file } = first as InputError;
      const more = wrong.length > 1 ? ` (and ${wrong.length - 1} more)` : '';
      say('files', { title: `${file ?? 'A file'} cannot be used${more}.`, text: message, remedy });
    }
  });
}

export function forget(name: string): void {
  held.value = held.value.filter((each) => each.name !== name);
}

const find = (role: Role, test: boolean) => held.value.find((each) => each.role === role && each.test === test);

/** Sets the data up from the files, as soon as samples and labels are there. @param added the newest: they say which */
function useHeld(added: readonly Held[]): void {
  const kind = (draft.value.data as { kind?: string } | undefined)?.kind;
  // An experiment on the four files of MNIST keeps its settings: the files have come for it.
  if (kind === 'mnist' || kind === 'fashion-mnist') {
    const names = new Set(held.value.map(({ name }) => name.replace(/\.gz$/, '')));
    if (Object.values(MNIST_FILES).every((name) => names.has(name))) return;
  }
  if (added.some(({ role }) => role === 'records')) {
    const [train, test] = [find('records', false), find('records', true)];
    if (train && test && kind !== 'cifar10')
      chooseData({ kind: 'cifar10', dir: 'cifar10', classes: pairOf(train.classes) });
    return;
  }
  const [images, labels, x, y] = [find('images', false), find('labels', false), find('x', false), find('y', false)];
  const asImages = added.some(({ role }) => role === 'images' || role === 'labels');
  if (asImages && images && labels) {
    const [testImages, testLabels] = [find('images', true), find('labels', true)];
    const test = testImages && testLabels ? { testImages: testImages.name, testLabels: testLabels.name } : {};
    chooseData({ kind: 'idx', images: images.name, labels: labels.name, ...test, classes: pairOf(labels.classes) });
  } else if (!asImages && x && y) {
    const [testX, testY] = [find('x', true), find('y', true)];
    const test = testX ? { testX: testX.name, ...(testY ? { testY: testY.name } : {}) } : {};
    chooseData({ kind: 'npy', x: x.name, y: y.name, ...test });
  }
}

/** Two classes to begin with: one against two where both are there. */
const pairOf = (classes: readonly number[] = []): readonly number[] =>
  classes.includes(1) && classes.includes(2) ? [1, 2] : classes.slice(0, 2);

/** What is still missing before the files make a data set. */
export function missing(): string | undefined {
  if (held.value.length === 0) return undefined;
  if (find('images', false) && !find('labels', false)) return 'Now the file of labels that belongs to the images.';
  if (find('labels', false) && !find('images', false)) return 'Now the file of images that belongs to the labels.';
  if (find('records', true) && !find('records', false)) return 'Now the training images: data_batch_1.bin and so on.';
  if (find('records', false) && !find('records', true)) return 'Now the test images: test_batch.bin.';
  if (find('x', false) && !find('y', false)) return 'Now the labels: a .npy file of shape (n,) with −1 and +1.';
  if (find('y', false) && !find('x', false)) return 'Now the samples: a .npy file of shape (n, d).';
  return undefined;
}

/** A file that an experiment reads. */
interface Wanted {
  /** What it may be called: the name that is told comes first. */
  readonly names: readonly string[];
  /** False: it is read where it is there. */
  readonly needed: boolean;
}

const plain = (path: string): Wanted => ({ names: [baseName(path)], needed: true });
const published = (name: string, needed = true): Wanted => ({ names: [name, `${name}.gz`], needed });

const filesOf = (config: ExperimentConfig): Wanted[] => [...filesIn(config.data), ...configFiles(config).map(plain)];

/** The files of a data set that is a folder with files of published names. */
function filesIn(data: DataConfig): Wanted[] {
  switch (data.kind) {
    case 'mnist':
    case 'fashion-mnist':
      return Object.values(MNIST_FILES).map((name) => published(name));
    case 'cifar10': {
      // Of samples, the first batch is enough.
      const whole = held.value.some(({ role, rows = 0 }) => role === 'records' && rows >= CIFAR10_BATCH);
      const train = CIFAR10_FILES.train.map((name, at) => published(`${name}.bin`, at === 0 || whole));
      return [...train, published(`${CIFAR10_FILES.test}.bin`)];
    }
    default:
      return [];
  }
}

const heldAs = ({ names }: Wanted): Held[] => held.value.filter(({ name }) => names.includes(name));

/** Names of files that an experiment cannot do without and that have not been dropped here. */
export const absentFiles = (config: ExperimentConfig): string[] => {
  const absent = filesOf(config).filter((wanted) => wanted.needed && heldAs(wanted).length === 0);
  return [...new Set(absent.map(({ names }) => names[0]!))];
};

/** The files that are here for an experiment. */
export const heldFor = (config: ExperimentConfig): Held[] => [...new Set(filesOf(config).flatMap(heldAs))];

/** Brings back files that an experiment read before. */
export function bringBack(files: readonly Held[]): void {
  const names = new Set(files.map(({ name }) => name));
  held.value = [...held.value.filter(({ name }) => !names.has(name)), ...files];
}

const baseName = (path: string) => path.split(/[\\/]/).at(-1) ?? path;

/** A reader for the engine: a path means the dropped file of that name. */
export async function readDropped(path: string): Promise<Uint8Array> {
  const name = baseName(path);
  const file = held.value.find((each) => each.name === name)?.file;
  if (!file) {
    // What the loaders take for "no such file", so that they look for the packed one next.
    throw Object.assign(new Error(`${name} has not been dropped here`), { name: 'NotFoundError' });
  }
  return new Uint8Array(await file.arrayBuffer());
}
