// What the README says of the command line: every command that it shows is one, every document is read.

import { expect, test } from 'vitest';
import { buildProgram } from '../../src/cli/cli';
import { parseConfig } from '../../src/experiment/config';
import { expandSweep } from '../../src/experiment/sweep';
import { parseGrid } from '../../src/experiment/sweep-grid';
import { commands, snippets } from '../readme';
import { FakeIo, FakeServices } from './fakes';

const shown = commands('npx perturb');

test('there are some of each', () => {
  expect(shown.length).toBeGreaterThan(15);
  expect(snippets(/json/)).toHaveLength(2);
});

test.for(shown)('perturb %s', async (line) => {
  const words = line.replace(/ \|.*$/, '').split(/\s+/);
  const program = buildProgram(new FakeServices(), new FakeIo('/'));
  let reached: string | undefined;
  for (const command of program.commands) {
    command.action(() => {
      reached = command.name();
    });
  }
  await program.parseAsync(words, { from: 'user' });
  expect(reached).toBe(words[0]);
});

test('its configuration and its grid are read', async () => {
  const [config, grid] = snippets(/json/).map(({ text }) => JSON.parse(text));
  expect(parseConfig(config).perturbation).toMatchObject(config.perturbation);
  const { cells, combinations } = await expandSweep(parseGrid(grid), grid.base);
  expect([cells.length, combinations.filter(({ error }) => error)]).toEqual([12, []]);
});
