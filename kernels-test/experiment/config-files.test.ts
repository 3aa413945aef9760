// The list of files that an experiment reads.

import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/experiment/config';
import { configFiles } from '../../src/experiment/config-files';

describe('the files of a configuration', () => {
  it('are those of its data, its networks, its targets and the theory', () => {
    const config = parseConfig({
      data: { kind: 'npy', x: 'x', y: 'y', testX: 'tx', testY: 'ty' },
      standard: { init: { W: 'fW', b: 'fb', a: 'fa' } },
      learning: { init: { W: 'gW', b: 'gb', a: 'ga' } },
      perturbation: { targets: 'targets' },
      theory: { phi: { draws: 10, init: { W: 'phiW', b: 'phib' } } },
    });
    const named = ['x', 'y', 'tx', 'ty', 'fW', 'fb', 'fa', 'gW', 'gb', 'ga', 'targets', 'phiW', 'phib'];
    expect(configFiles(config).sort()).toEqual(named.sort());
  });

  it('are not the folder of a data set', () => {
    expect(configFiles(parseConfig({ data: { kind: 'mnist', dir: 'm' } }))).toEqual([]);
    expect(configFiles(parseConfig({}))).toEqual([]);
  });
});
