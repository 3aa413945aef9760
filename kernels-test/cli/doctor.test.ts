// `perturb doctor`: a right adapter is called right, a wrong one is found out, and the text says which kernel and how.

import { expect, test } from 'vitest';
import type { Finding } from '../../src/cli/io';
import { Engine } from '../../src/engine';
import * as shaders from '../../src/kernels/generated';
import { checkHalves, examine } from '../doctor';
import { NO_HALVES, useEngine, withShaders } from '../helpers';
import { SABOTAGES } from '../sabotages';
import { cli, FakeServices, temporary } from './fakes';

const bound = useEngine();
const never = new AbortController().signal;

test('every shader is among its checks', () => {
  const names = Object.values(shaders).map(({ name }) => name);
  expect(Object.keys(SABOTAGES).sort()).toEqual([...names].sort());
});

test('a driver that gets one kernel wrong is found out', async () => {
  // Division as a fast driver might do it.
  using broken = withShaders(bound.gpu, ({ name, code }) =>
    name === 'margin_summary' ? code.replace('loss / f32(params.n)', 'loss * (1.001 / f32(params.n))') : code,
  );
  const wrong = new Set<string>();
  for await (const { subject, status, detail } of examine(new Engine(broken), never)) {
    if (subject.startsWith('experiment')) break;
    if (status === 'wrong') wrong.add(subject);
    if (subject === 'margin_summary') expect([status, detail]).toEqual(['wrong', expect.stringContaining('mean loss')]);
  }
  expect([...wrong]).toEqual(['margin_summary']);
});

test('a driver that gets halves wrong is found out, one that gets them right is not', async ({ skip }) => {
  if (!bound.gpu.features.has('shader-f16')) skip(NO_HALVES);
  expect(await checkHalves(bound.engine)).toBeUndefined();
  using broken = withShaders(bound.gpu, ({ name, code }) =>
    name === 'halve' ? code.replace('let value = input[at];', 'let value = 1.5 * input[at];') : code,
  );
  await expect(checkHalves(new Engine(broken))).rejects.toThrow(/away from float64/);
});

const finding = (status: Finding['status'], subject: string, detail = ''): Finding => ({
  subject,
  status,
  detail,
  seconds: 1,
});

test('its text names the adapter, counts, and shows what is wrong; the exit code says so', async () => {
  const services = new FakeServices();
  services.findings = [finding('right', 'add'), finding('skipped', 'forward_subgroup', 'no subgroups')];
  const good = await cli(await temporary(), ['doctor'], services);
  expect(good.code).toBe(0);
  expect(good.out).toMatch(/adapter {4}Fake Adapter 3000/);
  expect(good.out).toContain('1 right, 0 wrong, 1 skipped');
  services.findings = [...services.findings, finding('wrong', 'transpose', Array(20).fill('a line').join('\n'))];
  const bad = await cli(await temporary(), ['doctor'], services);
  expect(bad.code).toBe(1);
  expect(bad.out).toContain('WRONG      transpose\n           a line');
  expect(bad.out).toContain('and 12 more lines');
  expect(bad.err).toContain('1 of 3 checks went wrong on Fake Adapter 3000');
  const json = await cli(await temporary(), ['doctor', '--json'], services);
  expect(JSON.parse(json.out)).toMatchObject({ device: 'Fake Adapter 3000', findings: [{}, {}, { status: 'wrong' }] });
});
