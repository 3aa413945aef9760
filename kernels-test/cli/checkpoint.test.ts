// Checkpoints as files: what an interrupted run leaves, what goes on from it, and what is refused.

import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CheckpointStore } from '../../src/cli/checkpoint';
import type { RunOptions } from '../../src/cli/io';
import { ComputedFaultError } from '../../src/data/input-error';
import { type Checkpoint, StateMismatchError } from '../../src/experiment/checkpoint';
import { contentHash } from '../../src/experiment/plan';
import { DeviceLostError } from '../../src/gpu/errors';
import { DivergenceError } from '../../src/network/divergence';
import { cli, FakeIo, FakeServices, fakeResult, names, temporary } from './fakes';

const choice = {
  phase: 'direct',
  chosen: 'direct',
  reason: 'asked for',
  flips: 0,
  last: { epoch: 0, flips: 0, events: 0 },
} as const;
const at = (epoch: number): Checkpoint => ({
  stage: 'standard',
  epoch,
  facts: { training: { epoch, schedule: { lr: 0.5, best: 1, bad: 2 }, accuracyKnown: true, choice } },
  // Bits that a text would lose.
  arrays: { training_weights: Float32Array.of(epoch, -0, 1e-45, Math.fround(0.1)), training_loss: new Float32Array() },
});

/** A run that keeps a checkpoint at epochs 1, 2, 3 and then does as it is told. */
function keeping(services: FakeServices, after: (options: RunOptions, io: FakeIo) => void, io: FakeIo) {
  const seen: (Checkpoint | undefined)[] = [];
  services.run = async (config, options) => {
    const { keeper, from } = options.checkpoint!;
    seen.push(from);
    for (let epoch = (from?.epoch ?? 0) + 1; epoch <= 3; epoch++) if (keeper!.due()) await keeper!.keep(at(epoch));
    after(options, io);
    return fakeResult(config);
  };
  return seen;
}

async function interrupted(dir: string, argv = ['run', '--out', 'o', '--checkpoint', '0']) {
  const services = new FakeServices();
  const io = new FakeIo(dir);
  keeping(services, (_, { controller }) => controller.abort(), io);
  return cli(dir, argv, services, io);
}

describe('a run with checkpoints', () => {
  it('leaves one when it is interrupted, says so, and goes on from it to the same place', async () => {
    const dir = await temporary();
    const { code, err } = await interrupted(dir);
    expect(code).toBe(130);
    expect(err).toContain('epoch 3 of the training of f is kept\nperturb run --resume o goes on from there.\n');
    expect(await names(dir)).toEqual(['o.checkpoint']);
    expect(await names(join(dir, 'o.checkpoint'))).toEqual(['checkpoint.json', 'state-standard-3.npz']);

    const services = new FakeServices();
    const io = new FakeIo(dir);
    const seen = keeping(services, () => {}, io);
    const more = await cli(dir, ['run', '--resume', 'o'], services, io);
    expect(more.code).toBe(0);
    expect(more.err).toContain('going on from epoch 3 of the training of f');
    expect(seen).toEqual([at(3)]);
    expect(Object.is(seen[0]!.arrays.training_weights![1], -0)).toBe(true);
    expect(await names(dir)).toEqual(['o']);
    expect(existsSync(join(dir, 'o/result.json'))).toBe(true);
  });

  it('keeps nothing of a run that ends, and nothing before its time', async () => {
    const dir = await temporary();
    const services = new FakeServices();
    const io = new FakeIo(dir);
    let kept: string[] = [];
    keeping(services, () => {}, io);
    const run = services.run;
    services.run = async (config, options) => {
      const result = await run(config, options);
      kept = await names(join(dir, 'o.checkpoint'));
      return result;
    };
    expect((await cli(dir, ['run', '--out', 'o'], services, io)).code).toBe(0);
    expect(kept).toEqual(['lock.json']);
    expect(await names(dir)).toEqual(['o']);
  });

  it('leaves nothing behind when every repetition would end in the same way', async () => {
    const dir = await temporary();
    const faults = [
      new ComputedFaultError('the theory leaves the range of float32', { key: 'data', remedy: 'Rescale the data.' }),
      new DivergenceError({ epoch: 3, what: 'loss', lr: 1, firstLoss: 1 }),
    ];
    for (const [at, fault] of faults.entries()) {
      const services = new FakeServices();
      const io = new FakeIo(dir);
      keeping(
        services,
        () => {
          throw fault;
        },
        io,
      );
      const { code, err } = await cli(dir, ['run', '--out', 'o', '--checkpoint', '0'], services, io);
      expect([code, err]).toEqual([[2, 6][at], expect.stringContaining(fault.message)]);
      expect(await names(dir)).toEqual([]);
    }
  });

  it('goes on from memory on a new device when the device is lost, a few times', async () => {
    const dir = await temporary();
    const services = new FakeServices();
    const io = new FakeIo(dir);
    let losses = 2;
    const seen = keeping(
      services,
      () => {
        if (losses-- > 0) throw new DeviceLostError('reset');
      },
      io,
    );
    const { code, err } = await cli(dir, ['run', '--out', 'o', '--checkpoint', '0'], services, io);
    expect(code).toBe(0);
    expect(seen.map((from) => from?.epoch)).toEqual([undefined, 3, 3]);
    expect(err).toContain('Going on from epoch 3 of the training of f on a new device (1 of at most 3).');
    expect(services.disposed).toBe(3);
  });

  it('refuses a new run where one was interrupted, and two at once', async () => {
    const dir = await temporary();
    await interrupted(dir);
    const again = await cli(dir, ['run', '--out', 'o']);
    expect([again.code, again.err]).toEqual([2, expect.stringContaining('perturb run --resume o')]);
    const store = await CheckpointStore.open(join(dir, 'p'));
    const second = await cli(dir, ['run', '--out', 'p']);
    expect([second.code, second.err]).toEqual([2, expect.stringContaining('is in use by process')]);
    await store.close();
  });

  it.for([
    ['without a checkpoint', async () => {}, 'there is no checkpoint of a run to'],
    ['cut off', (dir: string) => spoil(dir, 'checkpoint.json', (text) => text.subarray(0, 90)), 'is not whole'],
    [
      'changed',
      (dir: string) => spoil(dir, 'checkpoint.json', (text) => Buffer.from(text.toString().replace('0.5', '0.6'))),
      'was changed',
    ],
    [
      'with damaged arrays',
      (dir: string) => spoil(dir, 'state-standard-3.npz', (bytes) => bytes.fill(7, 60, 61)),
      'are damaged',
    ],
  ] as const)('refuses one %s', async ([what, change, message]) => {
    const dir = await temporary();
    if (what !== 'without a checkpoint') await interrupted(dir);
    await change(dir);
    const { code, err, services } = await cli(dir, ['run', '--resume', 'o']);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
    expect(services.engines).toEqual([]);
  });

  it('of a run that has its result only takes the checkpoint away, and tells the same as often as it is asked', async () => {
    const dir = await temporary();
    const data = ['--set', 'data.kind=mnist', '--set', 'data.dir=digits'];
    await interrupted(dir, ['run', '--out', 'o', '--checkpoint', '0', ...data]);
    await cp(join(dir, 'o.checkpoint'), join(dir, 'kept'), { recursive: true });
    expect((await cli(dir, ['run', '--resume', 'o'])).code).toBe(0);
    await rename(join(dir, 'kept'), join(dir, 'o.checkpoint'));
    for (let time = 0; time < 2; time++) {
      const { code, out, err, services } = await cli(dir, ['run', '--resume', 'o', '--json']);
      expect([code, err]).toEqual([0, 'o holds the result of that run: it had ended\n']);
      expect(JSON.parse(out)).toMatchObject({
        config: { data: { dir: '../digits' } },
        metrics: { agreement: 0.905 },
      });
      expect(services.engines).toEqual([]);
      expect(await names(dir)).toEqual(['o']);
    }
  });

  it('of another run than the result there leaves the checkpoint, and says so', async () => {
    const dir = await temporary();
    await cli(dir, ['run', '--out', 'o', '--set', 'seed=3']);
    await interrupted(dir, ['run', '--out', 'p', '--checkpoint', '0']);
    await rename(join(dir, 'p.checkpoint'), join(dir, 'o.checkpoint'));
    const { code, err } = await cli(dir, ['run', '--resume', 'o']);
    expect([code, err]).toEqual([0, expect.stringMatching(/had ended[\s\S]*is left: .* another configuration/)]);
    await spoil(dir, 'checkpoint.json', (text) => text.subarray(0, 90));
    const damaged = await cli(dir, ['run', '--resume', 'o']);
    expect([damaged.code, damaged.err]).toEqual([0, expect.stringMatching(/is left: .* is not whole/)]);
    expect(await names(dir)).toEqual(['o', 'o.checkpoint']);
  });

  it.for([
    ['checkpoint.json', /the checkpoint cannot be read: ELOOP[\s\S]*Make .*checkpoint\.json readable/],
    ['state-standard-3.npz', /arrays, .*, cannot be read: ELOOP[\s\S]*Make state-standard-3\.npz readable/],
  ] as const)('does not call %s gone that only cannot be read', async ([name, message]) => {
    const dir = await temporary();
    await interrupted(dir);
    const path = join(dir, 'o.checkpoint', name);
    await rm(path);
    const gone = await cli(dir, ['run', '--resume', 'o']);
    expect([gone.code, gone.err]).toEqual([2, expect.stringMatching(/there is no checkpoint|are gone/)]);
    // A link to itself is there, and no right helps to read it.
    await symlink(name, path);
    const { code, err } = await cli(dir, ['run', '--resume', 'o']);
    expect([code, err]).toEqual([2, expect.stringMatching(message)]);
    expect(err).not.toContain('Delete');
  });

  it('names --resume when something else lies where the result would go', async () => {
    const dir = await temporary();
    await interrupted(dir);
    await mkdir(join(dir, 'o'));
    await writeFile(join(dir, 'o/note.txt'), '');
    const { code, err } = await cli(dir, ['run', '--resume', 'o']);
    expect([code, err]).toEqual([2, expect.stringMatching(/is not empty[\s\S]*--resume/)]);
    expect(err).not.toContain('--out');
  });

  it('refuses another adapter, and a file that has changed', async () => {
    const dir = await temporary();
    await interrupted(dir);
    const services = new FakeServices();
    services.identify = () => ({ device: 'another', versions: { 'perturb-gpu': '0' } });
    const other = await cli(dir, ['run', '--resume', 'o'], services);
    expect([other.code, other.err]).toEqual([2, expect.stringContaining('is of a run on Fake Adapter 3000')]);
    const refused = await cli(dir, ['run', '--resume', 'o', '--set', 'seed=3']);
    expect([refused.code, refused.err]).toEqual([2, expect.stringContaining('--set cannot be given with it')]);

    await mkdir(join(dir, 'files'));
    await writeFile(join(dir, 'files/W.npy'), 'one');
    const reading = new FakeServices();
    const io = new FakeIo(dir);
    reading.run = async (_, { readFile: reader, checkpoint }) => {
      await reader('files/W.npy');
      await checkpoint!.keeper!.keep(at(1));
      io.controller.abort();
      throw new Error('aborted');
    };
    await cli(dir, ['run', '--out', 'q', '--checkpoint', '0'], reading, io);
    await writeFile(join(dir, 'files/W.npy'), 'two');
    const changed = await cli(dir, ['run', '--resume', 'q'], Object.assign(new FakeServices(), { run: reading.run }));
    expect([changed.code, changed.err]).toEqual([2, expect.stringContaining('has changed since the checkpoint')]);
  });
});

describe('a checkpoint from anywhere', () => {
  interface Forged {
    readonly state: object;
    readonly facts: { readonly training: { readonly choice: object } };
    readonly inputs: object;
    readonly config: object;
  }

  /** Writes a checkpoint whose own checks are right, with changes. */
  async function forged(change: (body: Forged) => void): Promise<string> {
    const dir = await temporary();
    await interrupted(dir);
    const path = join(dir, 'o.checkpoint/checkpoint.json');
    const { check: _, ...body } = JSON.parse(await readFile(path, 'utf8')) as Forged & { check: string };
    change(body);
    await writeFile(path, JSON.stringify({ ...body, check: await contentHash(body) }));
    return dir;
  }

  it.for([
    [
      'a name that leads elsewhere',
      (body) => Object.assign(body.state, { name: '../../secret.npz' }),
      /state\.name should be/,
    ],
    ['a size past the limit', (body) => Object.assign(body.state, { bytes: 1e15 }), /state\.bytes should be/],
    ['arrays longer than it says', (body) => Object.assign(body.state, { bytes: 10 }), /has \d+ bytes, more than 10/],
    [
      'an epoch that is none',
      (body) => Object.assign(body.facts.training, { epoch: -1 }),
      /facts\.training\.epoch should be >=0, and is -1/,
    ],
    [
      'a trainer that is none',
      (body) => Object.assign(body.facts.training.choice, { chosen: 'other' }),
      /facts\.training\.choice\.chosen should be/,
    ],
    ['facts that nobody knows', (body) => Object.assign(body.facts, { more: 1 }), /facts\.more should be never/],
    ['a checksum that is none', (body) => Object.assign(body.inputs, { 'x.npy': 5 }), /inputs\.x\.npy should be/],
    ['a configuration that is none', (body) => Object.assign(body.config, { seed: 'x' }), /seed/],
  ] as [string, (body: Forged) => unknown, RegExp][])('with %s is refused, its file named', async ([
    ,
    change,
    message,
  ]) => {
    const dir = await forged(change);
    const { code, err, services } = await cli(dir, ['run', '--resume', 'o']);
    expect([code, err]).toEqual([2, expect.stringMatching(message)]);
    expect(err).toContain(join(dir, 'o.checkpoint'));
    expect(services.engines).toEqual([]);
  });

  it('longer than any is not read at all', async () => {
    const dir = await temporary();
    await interrupted(dir);
    await truncate(join(dir, 'o.checkpoint/checkpoint.json'), 2 ** 40);
    const { code, err } = await cli(dir, ['run', '--resume', 'o']);
    expect([code, err]).toEqual([2, expect.stringContaining('has 1099511627776 bytes, more than')]);
  });

  it('whose arrays are those of another run is refused as what it is', async () => {
    const dir = await temporary();
    await interrupted(dir);
    const services = new FakeServices();
    services.run = async () => {
      throw new StateMismatchError('the state holds 4 values for "weights" of 5');
    };
    const { code, err } = await cli(dir, ['run', '--resume', 'o'], services);
    expect([code, err]).toEqual([2, expect.stringContaining('not of its own configuration: the state holds 4 values')]);
  });
});

async function spoil(dir: string, name: string, change: (bytes: Buffer) => Uint8Array): Promise<void> {
  const path = join(dir, 'o.checkpoint', name);
  await writeFile(path, change(await readFile(path)));
}
