import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const folder = new URL('../../src/data/', import.meta.url);

test('only node.ts touches Node, and nothing here imports from above', () => {
  const names = readdirSync(folder).filter((name) => name.endsWith('.ts'));
  expect(names.length).toBeGreaterThan(15);
  const imports = names.flatMap((name) => {
    const text = readFileSync(new URL(name, folder), 'utf8');
    if (name !== 'node.ts') expect(text, name).not.toMatch(/\bBuffer\.|\bprocess\.|\brequire\(/);
    return [...text.matchAll(/from '([^']+)'/g)].map((match) => `${name} <- ${match[1]}`);
  });
  const outside = imports.filter((line) => !/<- (\.\/[\w-]+|fflate)$/.test(line));
  expect(outside).toEqual(['node.ts <- node:fs/promises', 'node.ts <- node:path']);
});
