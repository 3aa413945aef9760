// Reads a shader's contract with the host out of its WGSL: bindings, parameter struct, constants, workgroup size.
// Runs when the project is built and when its tests check that nothing has drifted; never at run time.
import { WgslReflect } from 'wgsl_reflect/wgsl_reflect.module.js';

const ELEMENTS = {
  f32: 'f32',
  u32: 'u32',
  i32: 'u32',
  vec4f: 'f32',
  vec4u: 'u32',
  'vec4<f32>': 'f32',
  'vec4<u32>': 'u32',
  vec2f: 'f32',
  vec4h: 'f16',
  'atomic<u32>': 'u32',
};

/** Offsets and types of a struct of scalars. */
function fieldsOf(type, fail) {
  const fields = {};
  for (const member of type.members) {
    if (!['u32', 'i32', 'f32'].includes(member.type.name)) fail(`field ${member.name} is a ${member.type.name}`);
    fields[member.name] = { offset: member.offset, type: member.type.name };
  }
  return fields;
}

/** A struct of 32-bit scalars, of which a binding holds an array. */
const recordOf = (type, fail) => ({ size: type.size, fields: fieldsOf(type, fail) });

const FEATURES = {
  subgroups: 'subgroups',
  f16: 'shader-f16',
  chromium_experimental_subgroup_matrix: 'chromium-experimental-subgroup-matrix',
};

/**
 * What the reflection library can parse: of a shader with subgroup matrices, which it does not know, everything but the
 * body of the entry point. Bindings, parameters and constants all stand before it.
 */
function readable(code, name) {
  if (!code.includes('enable chromium_experimental_subgroup_matrix;')) return code;
  const entry = code.indexOf(`\nfn ${name}(`);
  const body = entry + /\) ?\{\n/.exec(code.slice(entry)).index;
  return `${code.slice(0, body)}) {}\n`.replace(/^(enable|diagnostic).*$/gm, '');
}

/** @param {string} name file name without .wgsl @param {string} code */
export function describeShader(name, code) {
  const fail = (text) => {
    throw new Error(`shaders/${name}.wgsl: ${text}`);
  };
  const reflected = new WgslReflect(readable(code, name));
  const entries = reflected.entry.compute;
  if (entries.length !== 1 || entries[0].name !== name) fail(`needs exactly one entry point, called ${name}`);
  // Types with a name of their own: `alias Quad = vec4f; // @half vec4h`; minified without most of the spaces.
  const aliases = new Map([...code.matchAll(/^alias (\w+) ?= ?(\w+);(.*)$/gm)].map((match) => [match[1], match]));
  const bindings = {};
  for (const { name: variable, group, binding, access, type } of reflected.storage) {
    if (group !== 0) fail(`${variable} is not in group 0`);
    const record = type.format?.isStruct ? recordOf(type.format, fail) : undefined;
    const declared = new RegExp(`> ${variable}: ?array<(\\w+)>;`).exec(code)?.[1];
    const alias = aliases.get(declared);
    const element = record
      ? 'u32'
      : alias
        ? ELEMENTS[alias[2]]
        : (ELEMENTS[type.format?.name ?? ''] ?? ELEMENTS[`${type.format?.name}<${type.format?.format?.name}>`]);
    if (!element) fail(`${variable}: arrays of ${type.format?.name} are not known to the host`);
    // `raw` takes bits whatever they mean, so it accepts arrays of either type
    bindings[variable] = {
      binding,
      access: access === 'read_write' ? 'read_write' : 'read',
      element: variable === 'raw' ? 'raw' : element,
      ...(record ? { record } : {}),
      ...(alias?.[3].includes('@half') ? { half: true } : {}),
      ...(new RegExp(`> ${variable}: ?array<\\w+>; ?// @image `).test(code) ? { image: true } : {}),
    };
  }
  let params = null;
  if (reflected.uniforms.length > 1) fail('more than one uniform');
  for (const { binding, type } of reflected.uniforms) {
    params = { binding, size: Math.ceil(type.size / 16) * 16, fields: fieldsOf(type, fail) };
  }
  const overrides = {};
  for (const match of code.matchAll(/^override (\w+): (?:u32|f32) = ([\d.]+)[uf]?;/gm))
    overrides[match[1]] = Number(match[2]);
  if (Object.keys(overrides).length !== reflected.overrides.length)
    fail('an override without a default, or in another form');
  const specialised = {};
  for (const match of code.matchAll(/^const (\w+) = (\d+)u; \/\/ @specialised/gm))
    specialised[match[1]] = Number(match[2]);
  const size = /@workgroup_size\(([^)]*)\)/.exec(code) ?? fail('no workgroup size');
  const workgroupSize = size[1].split(',').map((part) => {
    const text = part.trim().replace(/u$/, '');
    if (/^\d+$/.test(text)) return Number(text);
    if (!(text in overrides) && !(text in specialised))
      fail(`workgroup size ${text} is neither a number nor a constant`);
    return text;
  });
  const features = [...code.matchAll(/^enable (\w+);/gm)].map(
    (match) => FEATURES[match[1]] ?? fail(`enable ${match[1]}`),
  );
  return { name, bindings, params, overrides, specialised, workgroupSize, features };
}

const camel = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());

const HEAD = [
  '// Made by `node build.mjs --generate` from shaders/*.wgsl; do not edit.',
  '// biome-ignore-all format: generated',
  '// biome-ignore-all assist/source/organizeImports: generated',
];

/**
 * The files below src/kernels that hold the descriptors: one a shader, so that a bundle loads a shader with what uses it, and
 * generated.ts with all of them.
 * @param {ReturnType<typeof describeShader>[]} shaders
 * @returns {Map<string, string>} text by name
 */
export function renderDescriptors(shaders) {
  const files = new Map();
  const place = (name) => `generated/${name.replaceAll('_', '-')}`;
  for (const { name, ...rest } of shaders) {
    const body = JSON.stringify(rest)
      .replace(/"(\w+)":/g, '$1: ')
      .replaceAll('"', "'")
      .replaceAll(',', ', ');
    const lines = [
      ...HEAD,
      "import type { ShaderDescriptor } from '../../gpu/shader';",
      `import code from '../../../shaders/${name}.wgsl';`,
      '',
      `export const ${camel(name)} = { name: '${name}', code, ${body.slice(1, -1)} } as const satisfies ShaderDescriptor;`,
    ];
    files.set(`${place(name)}.ts`, `${lines.join('\n')}\n`);
  }
  const all = shaders.map(({ name }) => `export { ${camel(name)} } from './${place(name)}';`);
  files.set('generated.ts', `${[...HEAD, ...all].join('\n')}\n`);
  return files;
}
