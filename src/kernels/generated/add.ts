// Made by `node build.mjs --generate` from shaders/*.wgsl; do not edit.
// biome-ignore-all format: generated
// biome-ignore-all assist/source/organizeImports: generated
import type { ShaderDescriptor } from '../../gpu/shader';
import code from '../../../shaders/add.wgsl';

export const add = { name: 'add', code, bindings: {a: {binding: 0, access: 'read', element: 'f32'}, b: {binding: 1, access: 'read_write', element: 'f32'}}, params: {binding: 2, size: 16, fields: {count: {offset: 0, type: 'u32'}, scale: {offset: 4, type: 'f32'}}}, overrides: {}, specialised: {}, workgroupSize: [64], features: [] } as const satisfies ShaderDescriptor;
