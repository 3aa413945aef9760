// What a shader's head block promises, and whether the shader keeps it. Checked here as a function of text, so that the
// tests can also hand it shaders with one thing changed and see it complain.

import type { ShaderDescriptor } from '../src/gpu/shader';
// @ts-expect-error: the generator is plain JavaScript, run by the build
import { describeShader as describe_, renderDescriptors as render_ } from '../src/kernels/reflect.mjs';

export type Description = Omit<ShaderDescriptor, 'code'>;
export const describeShader = describe_ as (name: string, code: string) => Description;
export const renderDescriptors = render_ as (shaders: readonly Description[]) => ReadonlyMap<string, string>;

/** The parts of a head block, in their order. */
const PARTS = ['Computes', 'Shapes', 'Bindings', 'Constants', 'Dispatch', 'Workgroup', 'Assumes', 'Order'] as const;
type Part = (typeof PARTS)[number];
/** Text of a part begins in this column; its further lines are indented as far. */
const COLUMN = 11;

interface Head {
  readonly title: string;
  readonly parts: Readonly<Record<Part, readonly string[]>>;
}

/** The block of comments a shader begins with. @throws Error that says what is not in the fixed form */
export function parseHead(code: string): Head {
  const lines = code.split('\n');
  const comments = lines
    .slice(
      0,
      lines.findIndex((line) => !line.startsWith('//')),
    )
    .map((line) => line.slice(2));
  const [title = '', blank, ...rest] = comments;
  if (!/^ \w+: \S/.test(title)) throw new Error(`head: the first line is not "// name: what it is" but "//${title}"`);
  if (blank !== '') throw new Error('head: the second line is not "//"');
  const end = rest.indexOf('');
  const block = end < 0 ? rest : rest.slice(0, end);
  const parts: Record<string, string[]> = {};
  let current: string[] | undefined;
  for (const line of block) {
    const text = line.slice(1 + COLUMN);
    const label = line.slice(1, 1 + COLUMN).trim();
    if (text === '' || (label !== '' && text.startsWith(' ')))
      throw new Error(`head: text must begin in column ${COLUMN + 4}: "//${line}"`);
    if (label !== '') {
      if (label in parts) throw new Error(`head: ${label} twice`);
      current = [];
      parts[label] = current;
    }
    if (!current) throw new Error(`head: "//${line}" stands before the first part`);
    current.push(text);
  }
  const found = Object.keys(parts).join(', ');
  if (found !== PARTS.join(', ')) throw new Error(`head: the parts are ${found}; they must be ${PARTS.join(', ')}`);
  return { title: title.trim(), parts: parts as Record<Part, string[]> };
}

/** Constants named in the head: the first word of each clause. */
function namedConstants(lines: readonly string[]): string[] {
  const text = lines.join(' ');
  return text === 'none' ? [] : text.split('; ').map((clause) => clause.split(' ')[0]!);
}

/** Bindings named in the head: `0 name access ...`, `5 params uniform`. */
function namedBindings(lines: readonly string[]): string[] {
  // A line that does not begin with a number goes on with the one before it.
  return lines.filter((line) => /^\d/.test(line)).map((line) => line.split(/\s+/).slice(0, 3).join(' '));
}

const BYTES: Readonly<Record<string, number>> = { f32: 4, u32: 4, vec2f: 8, vec4f: 16, vec4u: 16, vec4h: 8, f16: 2 };

/** What a product or quotient of literals and constants comes to, from left to right. */
function constantValue(code: string, expression: string): number {
  const [first, ...rest] = expression.trim().split(' ');
  const factor = (text: string) => {
    if (/^\d+u?$/.test(text)) return Number.parseInt(text, 10);
    const constant = new RegExp(`^const ${text} = ([^;]+);`, 'm').exec(code);
    return constant ? constantValue(code, constant[1]!) : Number.NaN;
  };
  let value = factor(first!);
  for (let at = 0; at < rest.length; at += 2) {
    const next = factor(rest[at + 1]!);
    value = rest[at] === '*' ? value * next : rest[at] === '/' ? Math.floor(value / next) : Number.NaN;
  }
  return value;
}

/** Bytes of an element, aliases followed: of a scalar, a vector, or a struct of 32-bit scalars. */
function bytesOf(code: string, type: string): number {
  const alias = new RegExp(`^alias ${type} = (\\w+);`, 'm').exec(code);
  if (alias) return bytesOf(code, alias[1]!);
  const struct = new RegExp(`^struct ${type} \\{([^}]*)\\}`, 'm').exec(code);
  if (!struct) return BYTES[type] ?? Number.NaN;
  const fields = struct[1]!.matchAll(/^ {2}(?:@size\((\d+)\) )?\w+: (?:u32|i32|f32),$/gm);
  return [...fields].reduce((sum, [, size]) => sum + Number(size ?? 4), 0);
}

/** Bytes of workgroup memory declared, arrays of arrays included. */
export function workgroupBytes(code: string): number {
  let bytes = 0;
  for (const [, type] of code.matchAll(/^var<workgroup> \w+: ([^;]+);/gm)) {
    const factors = [...type!.matchAll(/, ([\w */]+)>/g)].map((match) => constantValue(code, match[1]!));
    const element = /^(?:array<|atomic<)*(\w+)/.exec(type!)![1]!;
    bytes += factors.reduce((product, factor) => product * factor, bytesOf(code, element));
  }
  return bytes;
}

/** Bytes of workgroup memory that the head speaks of. */
function namedBytes(text: string): number {
  if (/no workgroup memory/.test(text)) return 0;
  const match = /([\d.]+) (KiB|bytes) of workgroup memory/.exec(text);
  return match ? Number(match[1]) * (match[2] === 'KiB' ? 1024 : 1) : Number.NaN;
}

/** All that is wrong between a shader, its head block and its descriptor; empty when nothing is. */
export function contractProblems(name: string, code: string, descriptor?: Description): string[] {
  const problems: string[] = [];
  const same = (what: string, head: unknown, shader: unknown) => {
    if (JSON.stringify(head) !== JSON.stringify(shader)) {
      problems.push(`${what}: the head says ${JSON.stringify(head)}, the shader ${JSON.stringify(shader)}`);
    }
  };
  let head: Head;
  let found: Description;
  try {
    head = parseHead(code);
    found = describeShader(name, code);
  } catch (error) {
    return [(error as Error).message];
  }
  const { parts } = head;
  if (!head.title.startsWith(`${name}: `)) problems.push(`title: "${head.title}" does not name ${name}`);
  const bindings = Object.entries(found.bindings).map(([variable, { binding, access }]) => ({
    binding,
    line: `${binding} ${variable} ${access}`,
  }));
  if (found.params) bindings.push({ binding: found.params.binding, line: `${found.params.binding} params uniform` });
  bindings.sort((p, q) => p.binding - q.binding);
  same(
    'Bindings',
    namedBindings(parts.Bindings),
    bindings.map(({ line }) => line),
  );
  same(
    'Constants',
    namedConstants(parts.Constants).sort(),
    [...Object.keys(found.overrides), ...Object.keys(found.specialised)].sort(),
  );
  const workgroup = parts.Workgroup.join(' ');
  same('Workgroup', /^\(([^)]*)\)/.exec(workgroup)?.[1], found.workgroupSize.join(', '));
  same('Workgroup memory', namedBytes(workgroup), workgroupBytes(code));
  if (/no barrier/.test(workgroup) && /Barrier\(/.test(code))
    problems.push('Workgroup: the head says "no barrier", the shader has one');
  if (!/^\(.+, .+, .+\)|^\(x, y, 1\)/.test(parts.Dispatch[0]!))
    problems.push(`Dispatch: "${parts.Dispatch[0]}" is no grid`);
  if (!/deterministic|exact|the same/.test(parts.Order.join(' ')))
    problems.push('Order: does not say whether it is deterministic');
  if (descriptor) {
    const { name: _, ...reflected } = found;
    for (const [key, value] of Object.entries(reflected)) {
      const host = descriptor[key as keyof Description];
      if (JSON.stringify(host) !== JSON.stringify(value)) {
        problems.push(`descriptor: ${key} is ${JSON.stringify(host)}, the shader has ${JSON.stringify(value)}`);
      }
    }
  }
  return problems;
}
