import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { ShaderDescriptor } from '../../src/gpu/shader';
import { specialise } from '../../src/gpu/specialise';
import * as generated from '../../src/kernels/generated';
import { contractProblems, describeShader, parseHead, renderDescriptors } from '../contract';
import { SABOTAGES } from '../sabotages';

const path = (relative: string) => fileURLToPath(new URL(`../../${relative}`, import.meta.url));
const read = (relative: string) => readFileSync(path(relative), 'utf8');
const names = readdirSync(path('shaders'))
  .filter((file) => file.endsWith('.wgsl'))
  .map((file) => file.slice(0, -'.wgsl'.length))
  .sort();
const code = (name: string) => read(`shaders/${name}.wgsl`);
const descriptors = new Map<string, ShaderDescriptor>(Object.values(generated).map((each) => [each.name, each]));

describe('shaders and their head blocks', () => {
  test('there are shaders, and nothing else lies among them', () => {
    expect(names.length).toBeGreaterThanOrEqual(20);
    expect(readdirSync(path('shaders')).filter((file) => !file.endsWith('.wgsl'))).toEqual([]);
  });
  test.for(names)('%s', (name) => {
    expect(descriptors.has(name)).toBe(true);
    expect(contractProblems(name, code(name), descriptors.get(name)!)).toEqual([]);
  });
  test('src/kernels/generated is what the generator makes of them', () => {
    const files = renderDescriptors(names.map((name) => describeShader(name, code(name))));
    expect(readdirSync(path('src/kernels/generated'))).toHaveLength(files.size - 1);
    for (const [name, text] of files) expect(read(`src/kernels/${name}`), name).toBe(text);
  });
  test('the descriptors carry the files as they are', () => {
    expect([...descriptors.keys()].sort()).toEqual(names);
    for (const name of names) expect(descriptors.get(name)!.code).toBe(code(name));
  });
});

describe('every kernel has its tests', () => {
  const tests = readdirSync(path('kernels-test/kernels'))
    .filter((file) => file.endsWith('.test.ts') && file !== 'contract.test.ts')
    .map((file) => read(`kernels-test/kernels/${file}`));
  test.for(names)('%s has a describe block of its name and a sabotage', (name) => {
    expect(tests.some((text) => text.includes(`describe('${name}', `))).toBe(true);
    expect(SABOTAGES[name]?.length ?? 0).toBeGreaterThan(0);
  });
});

// The checker, checked: each change must be noticed.
describe('a shader that drifts is noticed', () => {
  const change = (name: string, from: string | RegExp, to: string) => {
    const before = code(name);
    const after = before.replace(from, to);
    expect(after, `${from} does not occur in ${name}`).not.toBe(before);
    return contractProblems(name, after, descriptors.get(name)!);
  };
  test('nothing changed, nothing found', () => {
    expect(contractProblems('add', code('add'), descriptors.get('add')!)).toEqual([]);
  });
  test.for([
    [
      'a binding number in the shader',
      '@binding(1) var<storage, read_write> b',
      '@binding(3) var<storage, read_write> b',
      /Bindings/,
    ],
    ['a binding number in the head', '1 b      read_write', '3 b      read_write', /Bindings/],
    ['an access in the shader', 'var<storage, read> a', 'var<storage, read_write> a', /Bindings/],
    ['an access in the head', '0 a      read ', '0 a      read_write ', /Bindings/],
    ['a name in the head', '0 a ', '0 x ', /Bindings/],
    ['the uniform in the head', '2 params uniform', '2 params storage', /Bindings/],
    ['an element type', 'read> a: array<f32>', 'read> a: array<u32>', /descriptor: bindings/],
    ['a parameter more', '  count: u32,\n', '  first: u32,\n  count: u32,\n', /descriptor: params/],
    ['a parameter of another type', '  count: u32,\n', '  count: f32,\n', /descriptor: params/],
    ['the workgroup size in the shader', '@workgroup_size(64)', '@workgroup_size(32)', /Workgroup/],
    ['the workgroup size in the head', 'Workgroup  (64)', 'Workgroup  (128)', /Workgroup/],
    ['the entry point', 'fn add(', 'fn addition(', /entry point/],
    ['the title', '// add: ', '// sum: ', /title/],
    ['no title', /^\/\/ add: .*\n/, '', /first line/],
    ['a part missing', /^\/\/ Assumes.*\n/m, '', /parts/],
    ['parts in another order', /^(\/\/ Assumes.*\n)(\/\/ Order.*\n)/m, '$2$1', /parts/],
    ['text in another column', '// Shapes     count', '// Shapes   count', /column|parts/],
    ['a constant that is not there', 'Constants  none', 'Constants  S 1..8', /Constants/],
    ['a barrier', '  if (at <', '  workgroupBarrier();\n  if (at <', /barrier/],
    ['workgroup memory', 'struct Params', 'var<workgroup> t: array<f32, 64>;\nstruct Params', /Workgroup memory/],
    ['no word on the order', /^\/\/ Order.*$/m, '// Order      some', /deterministic/],
  ] as [string, string | RegExp, string, RegExp][])('%s', ([, from, to, complaint]) => {
    expect(change('add', from, to).join('\n')).toMatch(complaint);
  });
  test('an override, a specialised constant and workgroup memory of other sizes', () => {
    expect(change('input_gradient', 'override S: u32 = 64u', 'override T: u32 = 64u').join()).toMatch(
      /workgroup size S/,
    );
    expect(change('input_gradient', 'override S: u32 = 64u', 'override S: u32 = 32u').join()).toMatch(
      /descriptor: overrides/,
    );
    expect(change('forward_subgroup', /const G = (\d+)u;/, 'const G = 1$1u;').join()).toMatch(
      /descriptor: specialised/,
    );
    expect(change('weight_gradient_subgroup', /^\/\/ Constants .*$/m, '// Constants  S').join()).toMatch(/Constants/);
    expect(change('sign_agreement', 'array<u32, 256>', 'array<u32, 255>').join()).toMatch(/Workgroup memory/);
  });
  test('a descriptor that was edited by hand changes the generated text', () => {
    const shaders = names.map((name) => describeShader(name, code(name)));
    const edited = shaders.map((shader) => (shader.name === 'add' ? { ...shader, workgroupSize: [32] } : shader));
    expect(renderDescriptors(edited).get('generated/add.ts')).not.toBe(
      renderDescriptors(shaders).get('generated/add.ts'),
    );
  });
  test('the parser of heads refuses what is no head', () => {
    expect(() => parseHead('fn main() {}')).toThrow(/first line/);
    expect(() => parseHead('// x: y\n// Computes   z\n')).toThrow(/second line/);
    expect(() => parseHead('// x: y\n//\n//            z\n')).toThrow(/before the first part/);
  });
});

describe('specialise', () => {
  test.for(names)('%s: no marker is left, loops are written out, brackets balance', (name) => {
    const { specialised } = descriptors.get(name)!;
    const text = specialise(code(name), specialised);
    expect(text).not.toMatch(/@unroll|@specialised/);
    const plain = text.replace(/\/\/.*/g, ''); // intervals in comments do not balance
    for (const [open, close] of ['{}', '()', '[]']) expect(plain.split(open!).length).toBe(plain.split(close!).length);
    // No loop is left that is marked everywhere it stands.
    const heads = code(name)
      .split('\n')
      .map((line) => line.trim());
    const isMarked = (at: number) => heads[at - 1] === '// @unroll';
    const plainHeads = new Set(heads.filter((line, at) => line.startsWith('for (') && !isMarked(at)));
    const left = plain
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line.startsWith('for ('));
    expect(left.filter((line) => !plainHeads.has(line))).toEqual([]);
    // A lane of a broadcast must be a constant; a shuffle would be many times slower and is refused by some adapters.
    expect(text).not.toContain('subgroupShuffle');
    // Bindings and entry point come through unchanged.
    const contract = (of: string) => of.match(/^@group.*$|^@compute.*$|^fn \w+\(/gm);
    expect(contract(text)).toEqual(contract(code(name)));
  });
  test('sets constants', () => {
    const shader = 'const S = 8u; // @specialised\nconst T = 2u;\nfn f() {}';
    expect(specialise(shader, { S: 4 })).toBe('const S = 4u;\nconst T = 2u;\nfn f() {}');
  });
  test('unrolls by a number and by a constant, renaming the variable as a whole word only', () => {
    const shader = [
      'const G = 2u; // @specialised',
      '// @unroll',
      'for (var r = 0u; r < G; r++) {',
      '  acc[r] += rr[r] * r1;',
      '}',
    ];
    expect(specialise(shader.join('\n'), {}).split('\n').slice(1)).toEqual([
      '{',
      '  acc[0u] += rr[0u] * r1;',
      '}',
      '{',
      '  acc[1u] += rr[1u] * r1;',
      '}',
    ]);
    expect(specialise(['// @unroll', 'for (var i = 0u; i < 3u; i++) {', '  x[i] = 0;', '}'].join('\n'), {})).toBe(
      '{\n  x[0u] = 0;\n}\n{\n  x[1u] = 0;\n}\n{\n  x[2u] = 0;\n}',
    );
  });
  test('a count of zero leaves nothing', () => {
    const shader = 'const G = 2u; // @specialised\n// @unroll\nfor (var r = 0u; r < G; r++) {\n  x[r] = 0;\n}\nend';
    expect(specialise(shader, { G: 0 })).toBe('const G = 0u;\nend');
  });
  test('nested loops', () => {
    const shader = [
      '  // @unroll',
      '  for (var i = 0u; i < 2u; i++) {',
      '    // @unroll',
      '    for (var j = 0u; j < 2u; j++) {',
      '      y += x[i] * z[j];',
      '    }',
      '  }',
    ];
    const products = specialise(shader.join('\n'), {}).match(/y \+= .*/g);
    expect(products).toEqual([
      'y += x[0u] * z[0u];',
      'y += x[0u] * z[1u];',
      'y += x[1u] * z[0u];',
      'y += x[1u] * z[1u];',
    ]);
  });
  test('a shuffle inside an unrolled loop becomes a broadcast; outside it stays', () => {
    const shader =
      'a = subgroupShuffle(x, lane);\n// @unroll\nfor (var r = 0u; r < 1u; r++) {\n  b = subgroupShuffle(x, r);\n}';
    expect(specialise(shader, {})).toBe('a = subgroupShuffle(x, lane);\n{\n  b = subgroupBroadcast(x, 0u);\n}');
  });
  test('loops without the mark stay loops', () => {
    const shader = 'for (var r = 0u; r < 4u; r++) {\n  x[r] = 0;\n}';
    expect(specialise(shader, {})).toBe(shader);
  });
  test.for([
    ['a constant the shader has not', 'const S = 8u; // @specialised', { T: 1 }, /no specialised constant T/],
    ['a constant that is no whole number', 'const S = 8u; // @specialised', { S: 1.5 }, /constant S = 1.5/],
    ['a negative constant', 'const S = 8u; // @specialised', { S: -1 }, /constant S = -1/],
    ['a mark without a loop', '// @unroll\nlet x = 1;', {}, /line 2: @unroll must be followed by/],
    ['a mark at the end', '// @unroll', {}, /@unroll must be followed by/],
    [
      'a loop of unknown length',
      '// @unroll\nfor (var r = 0u; r < N; r++) {\n}',
      {},
      /N is not a specialised constant/,
    ],
    ['a loop without an end', '// @unroll\nfor (var r = 0u; r < 2u; r++) {\n  x;', {}, /no end/],
  ] as [string, string, Record<string, number>, RegExp][])('refuses %s', ([, shader, values, message]) => {
    expect(() => specialise(shader, values)).toThrow(message);
  });
});
