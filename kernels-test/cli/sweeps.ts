// Sweeps for tests of the command, and what they leave.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FakeServices, fakeResult, names, temporary } from './fakes';

/** Six experiments. */
export const GRID = { base: { data: { n: 50 } }, vary: [{ key: 'data.d', values: [5, 6, 7] }], seeds: 2 };

/** A folder with a grid in it. */
export async function folder(grid: unknown = GRID): Promise<string> {
  const dir = await temporary();
  await writeFile(join(dir, 'grid.json'), JSON.stringify(grid));
  return dir;
}
/** Names of the files of cells that a sweep's directory holds. */
export const cellFiles = async (dir: string) =>
  (await names(join(dir, 'cells'))).filter((name) => name.endsWith('.json'));
/** The report of the sweep in `o`. */
export const report = (dir: string) => readFile(join(dir, 'o/report.html'), 'utf8');
export const json = async (path: string) => JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;

/** Services that fail from the run `at` on, counted from 1, `times` times. */
export function failing(at: number, error: Error, times = Infinity): FakeServices {
  const services = new FakeServices();
  services.run = async (config) => {
    if (services.runs.length >= at && services.runs.length < at + times) throw error;
    return fakeResult(config);
  };
  return services;
}
