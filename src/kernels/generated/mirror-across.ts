// Made by `node build.mjs --generate` from shaders/*.wgsl; do not edit.
// biome-ignore-all format: generated
// biome-ignore-all assist/source/organizeImports: generated
import type { ShaderDescriptor } from '../../gpu/shader';
import code from '../../../shaders/mirror_across.wgsl';

export const mirrorAcross = { name: 'mirror_across', code, bindings: {source: {binding: 0, access: 'read', element: 'f32'}, destination: {binding: 1, access: 'read_write', element: 'f32'}}, params: {binding: 2, size: 32, fields: {source_rows: {offset: 0, type: 'u32'}, destination_rows: {offset: 4, type: 'u32'}, source_start: {offset: 8, type: 'u32'}, destination_start: {offset: 12, type: 'u32'}, ld: {offset: 16, type: 'u32'}}}, overrides: {}, specialised: {}, workgroupSize: [8, 8], features: [] } as const satisfies ShaderDescriptor;
