// Files and texts from anywhere: no crash, no hang, no memory beyond what the input explains, and errors that say where.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InputError } from '../../src/data/input-error';
import { casesOf, LONG_CASES, LONG_TIMEOUT, SEED } from './settings';
import { type Target, targets } from './targets';

/** Memory a parser may take beyond the input. */
const ROOM = 64 * 2 ** 20;
/** A parser that takes longer hangs; a loaded machine makes any take tens of milliseconds. */
const HANGS_MS = 5000;

const memory = () => {
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return arrayBuffers + heapUsed;
};

const sizeOf = (input: unknown): number =>
  input instanceof Uint8Array ? input.length : 2 * (JSON.stringify(input)?.length ?? 0);

/** Takes one input. @throws anything that a user should never see */
async function hold({ take, file }: Target, input: unknown): Promise<void> {
  const before = memory();
  const began = performance.now();
  try {
    await take(input as never);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    if (error.remedy.length < 10) throw new Error(`no remedy: ${error.message}`);
    if (file !== undefined && error.file !== file) throw new Error(`no file: ${error.message}`);
    if (/undefined|\[object/.test(error.message.replace(/"[^"]*"/g, '')) && input instanceof Uint8Array) {
      throw new Error(`a message for nobody: ${error.message}`);
    }
  }
  const took = performance.now() - began;
  if (took > HANGS_MS) throw new Error(`it took ${Math.round(took)} ms`);
  const more = memory() - before - sizeOf(input);
  if (more > ROOM) throw new Error(`it took ${Math.round(more / 2 ** 20)} MiB more than its input`);
}

const all = await targets();

test('the shares of the long mode are whole', () => {
  expect(all.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 10);
});

for (const target of all) {
  const numRuns = casesOf(target.share, target.few);
  test(`${target.name}: ${numRuns} inputs, seed ${SEED}`, { timeout: LONG_TIMEOUT }, async () => {
    const began = performance.now();
    await fc.assert(
      fc.asyncProperty(target.input, (input) => hold(target, input)),
      { numRuns, seed: SEED, endOnFailure: LONG_CASES !== undefined },
    );
    if (LONG_CASES !== undefined) {
      console.log(`${target.name}: ${numRuns} inputs in ${((performance.now() - began) / 1000).toFixed(1)} s`);
    }
  });
}
