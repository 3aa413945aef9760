// The atomic writer: a directory is there with everything, or not at all.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { chmod, mkdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { claimOutput, freshDirectory, writeResult } from '../../src/cli/store';
import { names, temporary } from './fakes';

const bytes = (text: string) => new TextEncoder().encode(text);
const file = (name: string, text = name) => ({ name, bytes: bytes(text) });

/** A file whose bytes run `then` at the moment they are read. */
const trap = (name: string, then: () => void) => ({
  name,
  get bytes(): Uint8Array {
    then();
    return bytes(name);
  },
});

describe('writeResult', () => {
  it('makes the directory and what is above it', async () => {
    const dir = await temporary();
    const target = join(dir, 'a/b/c');
    expect(await writeResult(target, [file('x'), file('y.npy')])).toBe(target);
    expect(await names(target)).toEqual(['x', 'y.npy']);
    expect(await readFile(join(target, 'x'), 'utf8')).toBe('x');
    expect(await names(join(dir, 'a/b'))).toEqual(['c']);
  });

  it('takes an empty directory, and what a link to one points to', async () => {
    const dir = await temporary();
    await mkdir(join(dir, 'empty'));
    await writeResult(join(dir, 'empty'), [file('x')]);
    await mkdir(join(dir, 'real'));
    await symlink(join(dir, 'real'), join(dir, 'link'));
    await writeResult(join(dir, 'link'), [file('y')]);
    expect(await names(join(dir, 'empty'))).toEqual(['x']);
    expect(await names(join(dir, 'real'))).toEqual(['y']);
    expect(await names(dir)).toEqual(['empty', 'link', 'real']);
  });

  it('shows nothing while it writes', async () => {
    const dir = await temporary();
    const target = join(dir, 'o');
    let seen: boolean | undefined;
    await writeResult(target, [
      file('x'),
      trap('y', () => {
        seen = existsSync(target);
      }),
    ]);
    expect(seen).toBe(false);
    expect(await names(target)).toEqual(['x', 'y']);
  });

  it('leaves nothing when a file fails half-way', async () => {
    const dir = await temporary();
    const failing = trap('y', () => {
      throw new Error('no bytes');
    });
    await expect(writeResult(join(dir, 'a/b'), [file('x'), failing])).rejects.toThrow('no bytes');
    await expect(writeResult(join(dir, 'a/b'), [file('x'), file('x')])).rejects.toMatchObject({ key: '--out' });
    expect(await names(dir)).toEqual([]);
  });

  it('leaves nothing when it is interrupted, at any file and before the rename', async () => {
    const dir = await temporary();
    for (const at of [0, 1, 2]) {
      const controller = new AbortController();
      const files = ['x', 'y', 'z'].map((name, i) => (i === at ? trap(name, () => controller.abort()) : file(name)));
      await expect(writeResult(join(dir, 'o'), files, controller.signal)).rejects.toMatchObject({ name: 'AbortError' });
      expect(await names(dir)).toEqual([]);
    }
  });

  it('keeps what another run put there in the meantime', async () => {
    const dir = await temporary();
    const target = join(dir, 'o');
    const other = trap('x', () => {
      if (existsSync(target)) return;
      mkdirSync(target);
      writeFileSync(join(target, 'result.json'), 'theirs');
    });
    await expect(writeResult(target, [other, file('y')])).rejects.toThrow(/taken while the run went on/);
    expect(await names(dir)).toEqual(['o']);
    expect(await readFile(join(target, 'result.json'), 'utf8')).toBe('theirs');
  });

  it.each(['../x', 'a/b', '.hidden', ''])('refuses the file name %j', async (name) => {
    const dir = await temporary();
    await expect(writeResult(join(dir, 'o'), [file(name)])).rejects.toThrow('not a name');
    expect(await names(dir)).toEqual([]);
  });
});

describe('claimOutput', () => {
  it('lets through what can be made, and makes nothing', async () => {
    const dir = await temporary();
    await claimOutput(join(dir, 'a/b'));
    expect(await names(dir)).toEqual([]);
  });

  it.skipIf(process.getuid?.() === 0)('refuses a place that cannot be written (not as root)', async () => {
    const dir = await temporary();
    await mkdir(join(dir, 'locked'));
    await chmod(join(dir, 'locked'), 0o500);
    await expect(claimOutput(join(dir, 'locked/o'))).rejects.toMatchObject({ name: 'InputError', key: '--out' });
  });
});

describe('freshDirectory', () => {
  it('counts up while the name is taken', async () => {
    const dir = await temporary();
    const date = new Date('2026-01-31T12:00:05Z');
    const first = await freshDirectory(dir, 'glyphs', date);
    expect(first).toBe(join(dir, 'glyphs-2026-01-31T12-00-05'));
    await mkdir(first);
    await mkdir(await freshDirectory(dir, 'glyphs', date));
    expect(await freshDirectory(dir, 'glyphs', date)).toBe(`${first}-3`);
  });
});
