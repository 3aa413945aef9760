// File names of a configuration that moves to another folder.

import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rebaseFiles } from '../../src/cli/rebase';
import { parseConfig } from '../../src/experiment/config';

const move = (document: unknown, from = '/home/me/here', to = '/home/me/runs/a') =>
  rebaseFiles(parseConfig(document), from, to);

describe('a configuration in another folder', () => {
  it('names every file from there', () => {
    const moved = move({
      data: { kind: 'npy', x: 'X.npy', y: '../y.npy', testX: 'sub/t.npy', testY: './u.npy' },
      standard: { init: { W: 'W0.npy', b: 'b0.npy', a: 'a0.npy' } },
      learning: { init: { W: 'W1.npy' } },
      perturbation: { targets: 'targets.npy' },
      theory: { phi: { draws: 10, init: { W: 'V.npy' } } },
    });
    expect(moved.data).toMatchObject({
      x: '../../here/X.npy',
      y: '../../y.npy',
      testX: '../../here/sub/t.npy',
      testY: '../../here/u.npy',
    });
    expect(moved.standard.init).toEqual({
      W: '../../here/W0.npy',
      b: '../../here/b0.npy',
      a: '../../here/a0.npy',
    });
    expect(moved.learning.init).toEqual({ W: '../../here/W1.npy' });
    expect(moved.perturbation.targets).toBe('../../here/targets.npy');
    expect(moved.theory.phi).toEqual({ draws: 10, init: { W: '../../here/V.npy' } });
    for (const data of [
      { kind: 'idx', images: 'i', labels: 'l', testImages: 'ti', testLabels: 'tl', classes: [0, 1] },
      { kind: 'mnist', dir: 'm' },
      { kind: 'cifar10', dir: 'c' },
    ]) {
      const { kind, classes: _, ...paths } = data;
      const before = Object.fromEntries(
        Object.entries(paths as Record<string, string>).map(([key, path]) => [key, join('../../here', path)]),
      );
      expect(move({ data }).data).toMatchObject({ kind, ...before });
    }
  });

  it('keeps absolute names, and everything that is no name', () => {
    const document = { data: { kind: 'mnist', dir: '/data/mnist' }, perturbation: { kind: 'linf' } };
    expect(move(document)).toEqual(parseConfig(document));
    expect(move({})).toEqual(parseConfig({}));
    expect(move({ data: { kind: 'mnist', dir: '.' } }, '/a', '/a').data).toMatchObject({ dir: '.' });
  });

  it('means the same files from the new folder as from the old', () => {
    const once = move({ data: { kind: 'mnist', dir: 'x/y' } }, '/a/b', '/c');
    const back = rebaseFiles(once, '/c', '/a/b');
    expect(back.data).toMatchObject({ dir: 'x/y' });
  });
});
