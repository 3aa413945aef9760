// perturb bench: what it asks the library for, what it prints and writes, and what it refuses.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cli, FakeIo, FakeServices, fakeBench, names, temporary } from './fakes';

describe('perturb bench', () => {
  it('prints a table with variants, shares of the ceilings and what was left out', async () => {
    const { code, out, err, services } = await cli(await temporary(), ['bench', '--quick']);
    expect(code).toBe(0);
    expect(services.benches).toMatchObject([{ quick: true }]);
    expect(services.disposed).toBe(1);
    for (const text of [
      'n/d/m = 1000/100/100',
      'tiled *',
      '40 %',
      '20 %',
      '50.0 GFLOP/s',
      'absent: no subgroups here',
    ]) {
      expect(out).toContain(text);
    }
    expect(err).toBe('');
  });

  it('passes kernels, shapes, variant and rounds on', async () => {
    const argv = ['bench', '--kernel', 'gram,epoch', '--shape', '7/8/9, 1/2/3', '--variant', 'tiled', '--rounds', '9'];
    const { services } = await cli(await temporary(), [...argv, '--device', 'some']);
    expect(services.benches[0]).toMatchObject({
      kernels: ['gram', 'epoch'],
      shapes: [
        { n: 7, d: 8, m: 9 },
        { n: 1, d: 2, m: 3 },
      ],
      variants: 'tiled',
      rounds: 9,
    });
    expect(services.engines).toEqual([{ adapter: 'some', tune: false }]);
  });

  it('writes the report and its roofline, and the same document with --json', async () => {
    const dir = await temporary();
    const { code, out } = await cli(dir, ['bench', '--out', 'b', '--json', '--kernel', 'forward']);
    expect(code).toBe(0);
    expect(await names(join(dir, 'b'))).toEqual(['bench.json', 'roofline.svg']);
    expect(await readFile(join(dir, 'b', 'bench.json'), 'utf8')).toBe(out);
    expect(JSON.parse(out)).toMatchObject({ command: 'perturb bench --kernel forward', rows: fakeBench().rows });
    const svg = await readFile(join(dir, 'b', 'roofline.svg'), 'utf8');
    expect(svg).toMatch(/^<svg /);
    // A symbol a row, and one in the legend for the kernel.
    expect(svg.match(/<path[^>]*transform="translate/g)?.length).toBeGreaterThanOrEqual(2);
    expect(svg).toContain('forward 1000/100/100 subgroup');
  });

  it('tunes, and says what became of each variant', async () => {
    const { code, out, services } = await cli(await temporary(), ['bench', '--tune', '--shape', '8/8/8']);
    expect(code).toBe(0);
    expect(services.benches[0]).toMatchObject({ shapes: [{ n: 8, d: 8, m: 8 }] });
    expect(out).toMatch(/forward .* tiled .* chosen .* because/);
    expect(out.match(/absent/g)).toHaveLength(1);
    expect(out).toContain('kept in the cache');
    const json = await cli(await temporary(), ['bench', '--tune', '--json']);
    expect(JSON.parse(json.out)).toMatchObject({
      tuning: { key: 'k' },
      kernels: [{ status: 'chosen' }, { status: 'absent' }],
    });
  });

  it.for([
    [['--tune', '--kernel', 'gram'], /--kernel cannot be "gram"[\s\S]*--tune/],
    [['--kernel', 'backward'], /--kernel cannot be "backward"[\s\S]*weight-gradient/],
    [['--shape', '10/10'], /--shape cannot be "10\/10"[\s\S]*samples\/inputs\/neurons/],
    [['--variant', 'quick'], /--variant cannot be "quick"[\s\S]*subgroup/],
    [['--rounds', '0'], /--rounds cannot be "0"/],
    [['--compare', 'one.json'], /--compare cannot be "one.json"[\s\S]*before.json after.json/],
    [['--compare', 'a.json', 'b.json'], /cannot be read[\s\S]*a\.json/],
  ] as [string[], RegExp][])('refuses %j before an engine is made', async ([argv, message]) => {
    const { code, err, services } = await cli(await temporary(), ['bench', ...argv]);
    expect(code).toBe(2);
    expect(err).toMatch(message);
    expect(services.engines).toEqual([]);
  });
});

describe('perturb bench, ended early', () => {
  const partial = { ...fakeBench(), partial: { done: 2, cases: 9 } };
  const ending = (end: (services: FakeServices, io: FakeIo) => void) => async (dir: string, argv: string[]) => {
    const services = new FakeServices();
    const io = new FakeIo(dir);
    services.runBench = async (_, { onPartial }) => {
      onPartial?.(partial);
      end(services, io);
      throw io.signal.reason ?? new Error('the device is gone');
    };
    return cli(dir, argv, services, io);
  };

  it('keeps and prints what was measured, marked as partial', async () => {
    const dir = await temporary();
    const { code, out, err } = await ending((_, io) => io.controller.abort())(dir, ['bench', '--out', 'b']);
    expect(code).toBe(130);
    expect(out).toContain('ended early: 2 of 9 cases');
    expect(err).toContain('interrupted; 2 of 9 cases were measured\nThe same command with another --out measures all');
    const kept = JSON.parse(await readFile(join(dir, 'b', 'bench.json'), 'utf8'));
    expect(kept).toMatchObject({ partial: { done: 2, cases: 9 }, rows: partial.rows, command: 'perturb bench' });
  });

  it('does not take a failure to write the whole for a case that is missing', async () => {
    const dir = await temporary();
    const services = new FakeServices();
    services.runBench = async (_, { onPartial }) => {
      onPartial?.(partial);
      // Taken meanwhile.
      await writeFile(join(dir, 'b'), '');
      return fakeBench();
    };
    const { code, out, err } = await cli(dir, ['bench', '--out', 'b'], services);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(/the output directory is a file/);
    expect(err).not.toContain('of 9 cases');
  });

  it('tells a failure as what it is', async () => {
    const { code, out, err } = await ending(() => {})(await temporary(), ['bench']);
    expect(code).not.toBe(0);
    expect(out).toContain('ended early: 2 of 9 cases');
    expect(err).toContain('the device is gone');
  });
});

describe('perturb bench --compare', () => {
  it('says what changed, and by how much', async () => {
    const dir = await temporary();
    await writeFile(join(dir, 'a.json'), JSON.stringify(fakeBench(1e-3)));
    await writeFile(join(dir, 'b.json'), JSON.stringify({ ...fakeBench(2e-3), versions: { node: 'v22' } }));
    const { code, out, services } = await cli(dir, ['bench', '--compare', 'a.json', 'b.json']);
    expect(code).toBe(0);
    expect(services.engines).toEqual([]);
    expect(out).toContain('2.00 times slower');
    expect(out).toContain('2 of 2 measurements changed');
    expect(out).toContain('node: v20 before, v22 after');
    const json = await cli(dir, ['bench', '--json', '--compare', 'b.json', 'a.json']);
    expect(JSON.parse(json.out).rows[0]).toMatchObject({ verdict: 'faster' });
  });
  const row = fakeBench().rows[0]!;
  it.for([
    ['{"rows', /it is no JSON/],
    [{ rows: 1 }, /schemaVersion is missing/],
    [{ ...fakeBench(), rows: 1 }, /rows must be a list of rows/],
    [{ ...fakeBench(), rows: [row, { ...row, median: null }] }, /rows\.1\.median must be a number above 0/],
    [{ ...fakeBench(), rows: [{ ...row, min: 1 }] }, /rows\.0 must be a median between min and max/],
    [{ ...fakeBench(), rows: [{ ...row, kernel: 'backward' }] }, /rows\.0\.kernel must be one of forward/],
    [{ ...fakeBench(), ceilings: {} }, /ceilings\.gflops is missing/],
  ] as const)('refuses what is no report: %j', async ([document, message]) => {
    const dir = await temporary();
    await writeFile(join(dir, 'a.json'), typeof document === 'string' ? document : JSON.stringify(document));
    const { code, err } = await cli(dir, ['bench', '--compare', 'a.json', 'a.json']);
    expect(code).toBe(2);
    expect(err).toMatch(message);
    expect(err).toMatch(/no benchmark report[\s\S]*a\.json/);
  });
});
