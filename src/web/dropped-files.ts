// Files of one's own: dropped or picked, held in this page and read by the engine in its worker. Nothing leaves the page.

import { batch, signal } from '@preact/signals';
import { gunzip, isGzip } from '../data/gzip';
import { parseIdxImages, parseIdxLabels } from '../data/idx';
import { InputError } from '../data/input-error';
import { MNIST_FILES } from '../data/mnist';
import { parseNpy } from '../data/npy';
import { parseConfig } from '../experiment/config';
import { parseConfigText } from '../experiment/config-text';
import type { ExperimentConfig } from '../experiment/types';
import type { Draft } from './config-link';
import { dismiss, say } from './notices';
import { chooseData, draft } from './setup';

type Role = 'images' | 'labels' | 'x' | 'y';

/** A file that is understood. */
export interface Held {
  readonly name: string;
  readonly role: Role;
  readonly test: boolean;
  /** What is in it, in words. */
  readonly about: string;
  readonly file: File;
  /** Labels only: the classes that are there, ascending. */
  readonly classes?: readonly number[];
}

export const held = signal<readonly Held[]>([]);

const IDX = { images: 0x803, labels: 0x801 } as const;
const NPY_MAGIC = '\x93NUMPY';
const ACCEPTED = 'IDX (such as train-images-idx3-ubyte), gzipped or not, .npy, or a config.json of this program';

const isTest = (name: string) => /(^|[^a-z])(t10k|test|val)/i.test(name);

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
    const classes = [...new Set(labels)].sort((a, b) => a - b);
    return { ...common, role: 'labels', about: `${labels.length} labels`, classes };
  }
  if (/\.json$/i.test(name)) {
    return parseConfig(parseConfigText(new TextDecoder().decode(bytes), name), { file: name }) as unknown as Draft;
  }
  throw new InputError('this file is in no format that is read here', { file: name, remedy: `Drop ${ACCEPTED}.` });
}

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
    const names = new Set(added.map(({ name }) => name));
    if (added.length > 0) held.value = [...held.value.filter(({ name }) => !names.has(name)), ...added];
    if (document) draft.value = document;
    else if (added.length > 0) useHeld(added);
    const [first] = wrong;
    if (first === undefined) dismiss();
    else {
      const { message, remedy, file } = first as InputError;
      const more = wrong.length > 1 ? ` (and ${wrong.length - 1} more)` : '';
      say({ title: `${file ?? 'A file'} cannot be used${more}.`, text: message, remedy });
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
  const [images, labels, x, y] = [find('images', false), find('labels', false), find('x', false), find('y', false)];
  const asImages = added.some(({ role }) => role === 'images' || role === 'labels');
  if (asImages && images && labels) {
    const [testImages, testLabels] = [find('images', true), find('labels', true)];
    const classes = labels.classes ?? [];
    const test = testImages && testLabels ? { testImages: testImages.name, testLabels: testLabels.name } : {};
    const pair = classes.includes(1) && classes.includes(2) ? [1, 2] : classes.slice(0, 2);
    chooseData({ kind: 'idx', images: images.name, labels: labels.name, ...test, classes: pair });
  } else if (!asImages && x && y) {
    const [testX, testY] = [find('x', true), find('y', true)];
    const test = testX ? { testX: testX.name, ...(testY ? { testY: testY.name } : {}) } : {};
    chooseData({ kind: 'npy', x: x.name, y: y.name, ...test });
  }
}

/** What is still missing before the files make a data set. */
export function missing(): string | undefined {
  if (held.value.length === 0) return undefined;
  if (find('images', false) && !find('labels', false)) return 'Now the file of labels that belongs to the images.';
  if (find('labels', false) && !find('images', false)) return 'Now the file of images that belongs to the labels.';
  if (find('x', false) && !find('y', false)) return 'Now the labels: a .npy file of shape (n,) with −1 and +1.';
  if (find('y', false) && !find('x', false)) return 'Now the samples: a .npy file of shape (n, d).';
  return undefined;
}

/** Names of files that an experiment reads and that have not been dropped here. */
export function absentFiles({ data, standard, learning, perturbation }: ExperimentConfig): string[] {
  const here = new Set(held.value.map(({ name }) => name));
  if (data.kind === 'mnist' || data.kind === 'fashion-mnist') {
    return Object.values(MNIST_FILES).filter((name) => !here.has(name) && !here.has(`${name}.gz`));
  }
  const ofData =
    data.kind === 'idx'
      ? [data.images, data.labels, data.testImages, data.testLabels]
      : data.kind === 'npy'
        ? [data.x, data.y, data.testX, data.testY]
        : [];
  const others = [...Object.values(standard.init ?? {}), ...Object.values(learning.init ?? {}), perturbation.targets];
  const named = [...ofData, ...others].filter((path) => path !== undefined).map(baseName);
  return [...new Set(named)].filter((name) => !here.has(name));
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
