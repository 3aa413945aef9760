// The configuration schema: defaults as the design gives them, and every kind of mistake as one readable error.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/data/input-error';
import { applySets, parseConfig, resolvedJson } from '../../src/experiment/config';

const GOLDEN = new URL('../../../shared/golden/', import.meta.url);

function refusal(raw: unknown, source = {}): InputError {
  try {
    parseConfig(raw, source);
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return error as InputError;
  }
  throw new Error(`accepted: ${JSON.stringify(raw)}`);
}

describe('defaults', () => {
  it('are those of the design', () => {
    const training = {
      lr: 1,
      epochs: 1000,
      momentum: 0.9,
      plateau: { factor: 0.1, patience: 10, threshold: 1e-4 },
    };
    expect(parseConfig({})).toEqual({
      seed: 0,
      data: { kind: 'shifted-gauss', n: 1000, d: 100, shift: 0.3 },
      network: { width: 100, slope: 0 },
      loss: 'identity',
      standard: training,
      perturbation: { kind: 'l2', size: 0.01, onData: false },
      learning: training,
      test: { n: 1000 },
      theory: { cosine: false, map: false, phi: 'exact' },
      trainer: 'auto',
      precision: 'f32',
      save: [],
    });
  });

  it.each([
    [{ n: 5 }, { kind: 'shifted-gauss', n: 5, d: 100, shift: 0.3 }],
    [{ kind: 'gauss' }, { kind: 'gauss', n: 1000, d: 100 }],
    [{ kind: 'glyphs' }, { kind: 'glyphs', n: 1000, classes: [1, 2], size: 20 }],
    [
      { kind: 'mnist', dir: 'm' },
      { kind: 'mnist', dir: 'm', classes: [1, 2], subtract: 0.1307 },
    ],
    [
      { kind: 'fashion-mnist', dir: 'm' },
      { kind: 'fashion-mnist', dir: 'm', classes: [0, 9], subtract: 0.286 },
    ],
    [
      { kind: 'cifar10', dir: 'c' },
      { kind: 'cifar10', dir: 'c', classes: [0, 1] },
    ],
    [
      { kind: 'idx', images: 'i', labels: 'l', classes: [0, 255] },
      { kind: 'idx', images: 'i', labels: 'l', classes: [0, 255], subtract: 0 },
    ],
    [
      { kind: 'npy', x: 'x', y: 'y' },
      { kind: 'npy', x: 'x', y: 'y' },
    ],
  ])('of data %j', (data, expected) => {
    expect(parseConfig({ data }).data).toEqual(expected);
  });

  it('draw 1000 fresh points, and take all that files hold', () => {
    expect(parseConfig({ data: { kind: 'glyphs' } }).test).toEqual({ n: 1000 });
    expect(parseConfig({ data: { kind: 'npy', x: 'x', y: 'y' } }).test).toEqual({});
    expect(parseConfig({ data: { kind: 'npy', x: 'x', y: 'y' }, test: { n: 7 } }).test).toEqual({ n: 7 });
  });

  it('fill a map and a plateau that are written in part, and leave false alone', () => {
    expect(parseConfig({ theory: { phi: {} } }).theory.phi).toEqual({ draws: 1000 });
    expect(parseConfig({ theory: { map: {} } }).theory.map).toEqual({ resolution: 400, limits: [-7, 7] });
    const { standard, learning } = parseConfig({
      standard: { plateau: { patience: 3 } },
      learning: { plateau: false },
    });
    expect(standard.plateau).toEqual({ factor: 0.1, patience: 3, threshold: 1e-4 });
    expect(learning.plateau).toBe(false);
  });

  it('take undefined for a key that is not given', () => {
    expect(parseConfig({ seed: undefined, perturbation: { k: undefined } })).toStrictEqual(parseConfig({}));
  });
});

describe('a resolved configuration', () => {
  it.each([
    {},
    { data: { kind: 'glyphs' }, save: ['data', 'data', 'outputs'], perturbation: { kind: 'l0', k: 400 } },
    { data: { kind: 'npy', x: 'x', y: 'y', testX: 't' }, learning: { init: { W: 'w' }, plateau: false } },
  ])('reads itself back: %j', (raw) => {
    const config = parseConfig(raw);
    const document: unknown = JSON.parse(JSON.stringify(resolvedJson(config)));
    expect(document).toHaveProperty('schemaVersion', 1);
    expect(parseConfig(document)).toStrictEqual(config);
  });

  it('collapses what save names twice', () => {
    expect(parseConfig({ save: ['outputs', 'data', 'outputs'] }).save).toEqual(['outputs', 'data']);
  });

  it('of another schema version is refused', () => {
    expect(refusal({ schemaVersion: 2 })).toMatchObject({ key: 'schemaVersion' });
  });

  it.skipIf(!existsSync(GOLDEN))('comes from every golden case (needs ../shared/golden)', () => {
    const cases = readdirSync(GOLDEN).filter((name) => existsSync(new URL(`${name}/config.json`, GOLDEN)));
    expect(cases.length).toBeGreaterThanOrEqual(8);
    for (const name of cases) {
      const raw = JSON.parse(readFileSync(new URL(`${name}/config.json`, GOLDEN), 'utf8')) as Record<string, unknown>;
      expect(parseConfig(raw)).toMatchObject(raw);
    }
  });
});

describe('an unknown key', () => {
  it.each([
    [{ network: { widht: 3 } }, 'network.widht', 'network.width'],
    [{ netwrok: {} }, 'netwrok', 'network'],
    [{ Seed: 1 }, 'Seed', 'seed'],
    [{ standard: { plateau: { patiense: 2 } } }, 'standard.plateau.patiense', 'standard.plateau.patience'],
    [{ learning: { init: { w: 'x' } } }, 'learning.init.w', 'learning.init.W'],
    [{ theory: { map: { resolutoin: 3 } } }, 'theory.map.resolutoin', 'theory.map.resolution'],
    [{ theory: { phi: { draw: 3 } } }, 'theory.phi.draw', 'theory.phi.draws'],
    [{ width: 3 }, 'width', 'network.width'],
    [{ lr: 1 }, 'lr', 'standard.lr or learning.lr'],
    [{ data: { kind: 'gauss', nn: 1 } }, 'data.nn', 'data.n'],
  ])('%j is told what was meant', (raw, key, better) => {
    const error = refusal(raw, { file: 'my.json' });
    expect(error).toMatchObject({ key, file: 'my.json', remedy: `Write ${better}.` });
    expect(error.message).toContain(`did you mean ${better}?`);
  });

  it('that is like no other names the nearest and lists all', () => {
    expect(refusal({ network: { zzzzzz: 1 } }).message).toMatch(/nearest is network\.\w+, all are width, slope/);
  });

  it('of another data kind names the keys of this kind and where it belongs', () => {
    const error = refusal({ data: { kind: 'gauss', shift: 1 } });
    expect(error.key).toBe('data.shift');
    expect(error.message).toContain('data kind "gauss", whose keys are n, d; it belongs to "shifted-gauss"');
    expect(refusal({ data: { kind: 'gauss', x: 'a.npy' } }).message).toContain('it belongs to "npy"');
  });

  it('that is a name in JavaScript is unknown too', () => {
    expect(refusal(JSON.parse('{"__proto__": 1}')).message).toContain('__proto__ is not a key');
    expect(refusal({ network: { constructor: 1 } }).key).toBe('network.constructor');
  });
});

describe('a wrong value', () => {
  it.each<[unknown, string | undefined]>([
    [null, undefined],
    [[], undefined],
    [3, undefined],
    [undefined, undefined],
    [{ network: [1] }, 'network'],
    [{ network: null }, 'network'],
    [{ data: [] }, 'data'],
    [{ data: 3 }, 'data'],
    [{ data: { kind: 'gaus' } }, 'data.kind'],
    [{ data: { kind: 3 } }, 'data.kind'],
    [{ data: { n: 0 } }, 'data.n'],
    [{ data: { n: 2 ** 31 } }, 'data.n'],
    [{ data: { n: '1000' } }, 'data.n'],
    [{ data: { d: 1.5 } }, 'data.d'],
    [{ data: { shift: Number.NaN } }, 'data.shift'],
    [{ data: { kind: 'glyphs', classes: [1, 1] } }, 'data.classes'],
    [{ data: { kind: 'glyphs', classes: [1, 10] } }, 'data.classes'],
    [{ data: { kind: 'glyphs', classes: [1, 2, 3] } }, 'data.classes'],
    [{ data: { kind: 'glyphs', classes: [1, '2'] } }, 'data.classes'],
    [{ data: { kind: 'glyphs', classes: 7 } }, 'data.classes'],
    [{ data: { kind: 'glyphs', size: 4 } }, 'data.size'],
    [{ data: { kind: 'idx', images: 'i', labels: 'l', classes: [0, 256] } }, 'data.classes'],
    [{ data: { kind: 'idx', images: 'i', labels: 'l' } }, 'data.classes'],
    [{ data: { kind: 'idx', images: 'i', labels: 'l', classes: [0, 1], testImages: 'i' } }, 'data.testLabels'],
    [{ data: { kind: 'mnist' } }, 'data.dir'],
    [{ data: { kind: 'npy', x: 'x' } }, 'data.y'],
    [{ data: { kind: 'npy', x: '', y: 'y' } }, 'data.x'],
    [{ data: { kind: 'npy', x: 'x', y: 'y', testY: 't' } }, 'data.testX'],
    [{ network: { width: 0 } }, 'network.width'],
    [{ network: { width: 2.5 } }, 'network.width'],
    [{ network: { slope: 1 } }, 'network.slope'],
    [{ network: { slope: 1 - 1e-12 } }, 'network.slope'], // 1 in float32
    [{ network: { slope: -0.1 } }, 'network.slope'],
    [{ network: { slope: Number.NaN } }, 'network.slope'],
    [{ seed: -1 }, 'seed'],
    [{ seed: 0.5 }, 'seed'],
    [{ seed: 2 ** 53 }, 'seed'],
    [{ loss: 'logistik' }, 'loss'],
    [{ loss: { x: 1 } }, 'loss'],
    [{ standard: { lr: 0 } }, 'standard.lr'],
    [{ standard: { lr: -1 } }, 'standard.lr'],
    [{ standard: { lr: Number.POSITIVE_INFINITY } }, 'standard.lr'],
    [{ standard: { lr: 1e-60 } }, 'standard.lr'], // 0 in float32
    [{ learning: { lr: 1e60 } }, 'learning.lr'], // infinite in float32
    [{ standard: { epochs: -1 } }, 'standard.epochs'],
    [{ standard: { epochs: 1.5 } }, 'standard.epochs'],
    [{ standard: { momentum: 1 } }, 'standard.momentum'],
    [{ standard: { plateau: true } }, 'standard.plateau'],
    [{ standard: { plateau: { factor: 1 } } }, 'standard.plateau.factor'],
    [{ standard: { plateau: { patience: -1 } } }, 'standard.plateau.patience'],
    [{ learning: { init: { W: 3 } } }, 'learning.init.W'],
    [{ perturbation: { kind: 'l1' } }, 'perturbation.kind'],
    [{ perturbation: { size: -0.1 } }, 'perturbation.size'],
    [{ perturbation: { onData: 'yes' } }, 'perturbation.onData'],
    [{ perturbation: { k: 3 } }, 'perturbation.k'],
    [{ perturbation: { kind: 'l0', k: 0 } }, 'perturbation.k'],
    [{ perturbation: { kind: 'l0', k: 101 } }, 'perturbation.k'],
    [{ data: { kind: 'glyphs' }, perturbation: { kind: 'l0', k: 401 } }, 'perturbation.k'],
    [{ test: { n: 0 } }, 'test.n'],
    [{ theory: { map: 3 } }, 'theory.map'],
    [{ theory: { map: { limits: [3, 1] } } }, 'theory.map.limits'],
    [{ theory: { cosine: 1 } }, 'theory.cosine'],
    [{ theory: { phi: 1000 } }, 'theory.phi'],
    [{ theory: { phi: { draws: 0 } } }, 'theory.phi.draws'],
    [{ theory: { phi: { draws: 2 ** 24 } } }, 'theory.phi.draws'],
    [{ trainer: 'gramm' }, 'trainer'],
    [{ precision: 'f64' }, 'precision'],
    [{ save: 'data' }, 'save'],
    [{ save: ['dat'] }, 'save.0'],
  ])('%j is refused by its key', (raw, key) => {
    const error = refusal(raw);
    expect(error.key).toBe(key);
    expect(error.message).toContain(key ?? 'the configuration');
    expect(error.message).not.toContain('problems');
    expect(error.remedy).toMatch(/^[A-Z].*\.$/);
  });

  it('that is a misspelt word is told the nearest', () => {
    expect(refusal({ loss: 'logistik' })).toMatchObject({ remedy: 'Set loss to "logistic".' });
    expect(refusal({ data: { kind: 'gaus' } })).toMatchObject({ remedy: 'Set data.kind to "gauss".' });
  });

  it('at the edge of what is allowed is taken', () => {
    const config = parseConfig({
      seed: Number.MAX_SAFE_INTEGER,
      data: { n: 2, d: 1 },
      network: { width: 1, slope: 0.99 },
      standard: { epochs: 0, momentum: 0 },
      perturbation: { kind: 'l0', k: 1 },
      test: { n: 1 },
    });
    expect(config.standard.epochs).toBe(0);
    expect(config.perturbation.k).toBe(1);
  });
});

describe('several problems', () => {
  it('are listed together, five of them at most', () => {
    const error = refusal({
      seed: -1,
      loss: 'x',
      bogus: 1,
      network: { width: 0, slope: 2 },
      test: { n: 0 },
      save: [1],
    });
    const lines = error.message.split('\n');
    expect(lines[0]).toBe('the configuration has 7 problems:');
    expect(lines).toHaveLength(7);
    expect(lines.at(-1)).toBe('- and 2 more');
    expect(lines[1]).toContain('bogus');
  });

  it('are not counted twice for what a misplaced value contains', () => {
    expect(refusal({ network: [1, 2] }).message.split('\n')).toHaveLength(1);
  });
});

describe('--set', () => {
  it('takes JSON values and bare words, over a document that stays as it was', () => {
    const raw = { data: { n: 5 }, seed: 1 };
    const sets = [
      'data.n=2000',
      'data.kind=glyphs',
      'data.classes=[3, 8]',
      'standard.plateau=false',
      'loss="logistic"',
    ];
    expect(applySets(raw, sets)).toEqual({
      data: { n: 2000, kind: 'glyphs', classes: [3, 8] },
      seed: 1,
      standard: { plateau: false },
      loss: 'logistic',
    });
    expect(raw).toEqual({ data: { n: 5 }, seed: 1 });
  });

  it('makes a document where there is none, and the last one wins', () => {
    expect(applySets(undefined, [])).toEqual({});
    expect(applySets(undefined, ['seed=1', 'seed=2'])).toEqual({ seed: 2 });
    expect(applySets({}, ['data.x=a=b'])).toEqual({ data: { x: 'a=b' } });
  });

  it.each([
    'seed',
    '=1',
    'seed=',
    'a..b=1',
    'data.classes=[1,2',
    'loss="x',
    'data={n:1}',
    '__proto__.polluted=1',
    'constructor.prototype.polluted=1',
  ])('refuses %s', (set) => {
    expect(() => applySets({}, [set])).toThrow(InputError);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('refuses to reach into what is no object', () => {
    expect(() => applySets({ loss: 'identity' }, ['loss.x=1'])).toThrow(/loss is "identity", not an object/);
    expect(() => applySets({ data: { classes: [1, 2] } }, ['data.classes.0=3'])).toThrow(/Set|not an object/);
  });

  it('is named as the place of a mistake it made', () => {
    const source = { file: 'my.json', sets: ['network.width'] };
    expect(refusal({ network: { width: 0 } }, source).file).toBe('--set');
    expect(refusal({ network: { slope: 2 } }, source).file).toBe('my.json');
  });
});
