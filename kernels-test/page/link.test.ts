// A link is an experiment: what is written into the address is what is read from it.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkConfig, parseConfig } from '../../src/experiment/config';
import { LONGEST, linkOf, parseLink } from '../../src/web/config-link';
import { isTest } from '../../src/web/dropped-files';
import { PANEL_GROUPS } from '../../src/web/panels';
import { PRESETS } from '../../src/web/presets';
import { TimeLeft } from '../../src/web/time-left';

describe('links', () => {
  const panels = PANEL_GROUPS.flatMap(({ panels: all }) => all.flatMap(({ points }) => points));

  test('every preset and every point of every published panel comes back as it was', () => {
    const documents = [...PRESETS, ...panels].map(({ document }) => document);
    expect(documents.length).toBeGreaterThan(500);
    for (const document of documents) {
      const config = parseConfig(document);
      expect(parseLink(`#${linkOf(config)}`)).toEqual(config);
    }
  });

  test('every key is written, legibly: a default that changes changes no link', () => {
    const config = parseConfig({ data: { kind: 'glyphs', classes: [3, 5] }, theory: { map: { limits: [-2, 2] } } });
    const link = linkOf(config);
    expect(link).toMatch(/^schemaVersion=1&seed=0&data\.kind=glyphs&data\.n=\d+&data\.classes=\[3,5\]&/);
    const keys = new Set(link.split('&').map((part) => part.split('=')[0]));
    for (const key of ['network.slope', 'loss', 'standard.plateau.factor', 'learning.momentum', 'test.n', 'trainer']) {
      expect(keys).toContain(key);
    }
    expect(link).toContain('&theory.map.resolution=400&theory.map.limits=[-2,2]&');
    expect(link.length).toBeLessThan(LONGEST / 8);
  });

  test('the short links of before read as they did', () => {
    const config = parseConfig({ data: { kind: 'glyphs', classes: [3, 5] }, theory: { map: { limits: [-2, 2] } } });
    const short = 'data.kind=glyphs&data.classes=[3,5]&theory.map.resolution=400&theory.map.limits=[-2,2]';
    expect(parseLink(`#${short}`)).toEqual(config);
    expect(() => parseLink('#schemaVersion=99')).toThrow(/schemaVersion/);
  });

  test('names of files come back whatever is in them', () => {
    const name = fc.string({ minLength: 1, unit: 'grapheme' });
    fc.assert(
      fc.property(name, name, fc.nat(), (x, y, seed) => {
        const config = parseConfig({ seed, data: { kind: 'npy', x, y } });
        expect(parseLink(`#${linkOf(config)}`)).toEqual(config);
      }),
      { numRuns: 200 },
    );
  });

  test('anything else gives a readable message, never another fault', () => {
    for (const [hash, message] of [
      ['#data.n=banana', /data\.n/],
      ['#nonsense', /nonsense/],
      ['#data.kind=%E0%A4%A', /encoding/],
      ['#network.widht=3', /network\.width/],
      [`#seed=${'1'.repeat(9000)}`, /longest/],
      ['#__proto__.x=1', /key/],
    ] as const) {
      expect(() => parseLink(hash), hash).toThrow(message);
    }
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), (text) => {
        try {
          expect(checkConfig(parseLink(`#${text}`)).problems).toBeUndefined();
        } catch (error) {
          expect(['InputError', 'LinkError']).toContain((error as Error).name);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('dropped files', () => {
  test('those for testing are told by a word of their name, not by letters within one', () => {
    const testing = ['t10k-images-idx3-ubyte', 'x_test.npy', 'testX.npy', 'testx.npy', 'xTest.npy', 'val.npy'];
    testing.push('test_batch.bin', 'y-validation.npy', 'test-labels.gz', 'TEST.npy', 'test2.npy');
    const training = ['values.npy', 'x_values.npy', 'valence.npy', 'contest.npy', 'testament.npy', 'latest_x.npy'];
    training.push('train-images-idx3-ubyte', 'data_batch_1.bin', 'x.npy');
    expect(testing.filter((name) => !isTest(name))).toEqual([]);
    expect(training.filter(isTest)).toEqual([]);
  });
});

describe('time left', () => {
  test('epochs and looks are timed apart, and a pause counts for nothing', () => {
    let now = 0;
    const clock = new TimeLeft(4, undefined, () => now);
    const standard = (epoch: number) => clock.after({ stage: 'standard', epoch, epochs: 100 }, 100);
    expect(standard(0)).toBeUndefined();
    now = 10;
    // Ten epochs of a second each; ninety more, then a hundred of g. No look yet.
    expect(standard(10)).toBeCloseTo(190);
    now = 12;
    clock.looked();
    // A look took two seconds: three more of f, four of g.
    expect(standard(10)).toBeCloseTo(190 + 7 * 2);
    clock.pause();
    now = 1000;
    clock.resume();
    expect(standard(10)).toBeCloseTo(190 + 7 * 2);
    now += 5;
    expect(clock.after({ stage: 'learning', epoch: 0, epochs: 100 }, 100)).toBeCloseTo(100 + 4 * 2);
  });

  test('a run that goes on from an epoch is paced by those that it did itself', () => {
    let now = 0;
    const clock = new TimeLeft(0, { stage: 'learning', epoch: 60 }, () => now);
    const learning = (epoch: number) => clock.after({ stage: 'learning', epoch, epochs: 100 }, 100);
    expect(learning(0)).toBeUndefined();
    now = 10;
    expect(learning(70)).toBeCloseTo(30);
  });
});
