// Made by `node build.mjs --generate` from shaders/*.wgsl; do not edit.
// biome-ignore-all format: generated
// biome-ignore-all assist/source/organizeImports: generated
import type { ShaderDescriptor } from '../../gpu/shader';
import code from '../../../shaders/row_cosine.wgsl';

export const rowCosine = { name: 'row_cosine', code, bindings: {a: {binding: 0, access: 'read', element: 'f32'}, b: {binding: 1, access: 'read', element: 'f32'}, output: {binding: 2, access: 'read_write', element: 'f32'}}, params: {binding: 3, size: 16, fields: {n: {offset: 0, type: 'u32'}, quads: {offset: 4, type: 'u32'}}}, overrides: {}, specialised: {}, workgroupSize: [64], features: [] } as const satisfies ShaderDescriptor;
