// Made by `node build.mjs --generate` from shaders/*.wgsl; do not edit.
// biome-ignore-all format: generated
// biome-ignore-all assist/source/organizeImports: generated
import type { ShaderDescriptor } from '../../gpu/shader';
import code from '../../../shaders/mirror_within.wgsl';

export const mirrorWithin = { name: 'mirror_within', code, bindings: {matrix: {binding: 0, access: 'read_write', element: 'f32'}}, params: {binding: 1, size: 16, fields: {rows: {offset: 0, type: 'u32'}, start: {offset: 4, type: 'u32'}, ld: {offset: 8, type: 'u32'}}}, overrides: {}, specialised: {}, workgroupSize: [8, 8], features: [] } as const satisfies ShaderDescriptor;
