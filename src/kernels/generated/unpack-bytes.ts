// Made by `node build.mjs --generate` from shaders/*.wgsl; do not edit.
// biome-ignore-all format: generated
// biome-ignore-all assist/source/organizeImports: generated
import type { ShaderDescriptor } from '../../gpu/shader';
import code from '../../../shaders/unpack_bytes.wgsl';

export const unpackBytes = { name: 'unpack_bytes', code, bindings: {packed: {binding: 0, access: 'read', element: 'u32'}, output: {binding: 1, access: 'read_write', element: 'f32'}}, params: {binding: 2, size: 32, fields: {rows: {offset: 0, type: 'u32'}, cols: {offset: 4, type: 'u32'}, ld: {offset: 8, type: 'u32'}, scale: {offset: 12, type: 'f32'}, subtract: {offset: 16, type: 'f32'}}}, overrides: {}, specialised: {}, workgroupSize: [64], features: [] } as const satisfies ShaderDescriptor;
