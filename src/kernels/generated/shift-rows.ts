// Made by `node build.mjs --generate` from shaders/*.wgsl; do not edit.
// biome-ignore-all format: generated
// biome-ignore-all assist/source/organizeImports: generated
import type { ShaderDescriptor } from '../../gpu/shader';
import code from '../../../shaders/shift_rows.wgsl';

export const shiftRows = { name: 'shift_rows', code, bindings: {labels: {binding: 0, access: 'read', element: 'f32'}, x: {binding: 1, access: 'read_write', element: 'f32'}}, params: {binding: 2, size: 32, fields: {n: {offset: 0, type: 'u32'}, d: {offset: 4, type: 'u32'}, ld: {offset: 8, type: 'u32'}, start: {offset: 12, type: 'u32'}, shift: {offset: 16, type: 'f32'}}}, overrides: {}, specialised: {}, workgroupSize: [64], features: [] } as const satisfies ShaderDescriptor;
