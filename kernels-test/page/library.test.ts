// The library in a real browser: in the page and in a worker, with the answers that Node gives.

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseNpy } from '../../src/data/npy';
import { parseConfig } from '../../src/experiment/config';
import type { ExperimentResult } from '../../src/experiment/types';
import { distant } from '../pipeline/helpers';
import { addGolden, addLibrary, call, GOLDEN, useSite } from './site';

const site = useSite(async (folder) => {
  await addLibrary(folder);
  await addGolden(folder);
});

const CASES = readdirSync(GOLDEN)
  .filter((name) => /^p\d_/.test(name))
  .sort();
const TOLERANCE = 1e-4;
const ARRAYS = ['f_W', 'f_b', 'g_W', 'g_b', 'R', 'f_X', 'g_X', 'f_test', 'g_test'] as const;
const HISTORY = ['standardLoss', 'standardLr', 'learningLoss', 'learningLr'] as const;

const json = (file: string) => JSON.parse(readFileSync(`${GOLDEN}/${file}`, 'utf8'));
const numbers = (file: string) =>
  Float64Array.from(parseNpy(readFileSync(`${GOLDEN}/${file}`), file).data as Float64Array);
const expected = (name: string, of: readonly string[]) =>
  Object.fromEntries(of.map((each) => [each, numbers(`${name}/expected/${each}.npy`)]));

const floats = (text: string) => new Float32Array(new Uint8Array(Buffer.from(text, 'base64')).buffer);

describe('golden cases', () => {
  const runs = CASES.map((name) => ({ config: parseConfig(json(`${name}/config.json`)), files: `/golden/${name}` }));

  test('p1 to p8 in the page and in the worker, bit for bit the same', async () => {
    expect(CASES).toHaveLength(8);
    const inPage = await call(site.page, 'runAll', 'page', runs);
    for (const [at, name] of CASES.entries()) {
      const { metrics, arrays } = inPage[at]!;
      const ours = Object.fromEntries(Object.entries(arrays).map(([key, text]) => [key, floats(text)]));
      const named = Object.fromEntries(
        Object.entries(ours).map(([key, data]) => [key, { shape: [data.length], data }]),
      );
      const result = { arrays: named, history: ours } as unknown as ExperimentResult;
      const wanted = { arrays: expected(name, ARRAYS), history: expected(name, HISTORY) };
      expect([name, distant(result, wanted, TOLERANCE)]).toEqual([name, []]);
      const { cosine: _, ...exact } = json(`${name}/expected.json`).metrics;
      for (const [key, value] of Object.entries(exact)) {
        expect(metrics[key as keyof typeof metrics], `${name} ${key}`).toBeCloseTo(value as number, 12);
      }
    }
    expect(await call(site.page, 'runAll', 'worker', runs)).toEqual(inPage);
  });
});
