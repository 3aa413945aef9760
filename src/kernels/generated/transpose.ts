// Made by `node build.mjs --generate` from shaders/*.wgsl; do not edit.
// biome-ignore-all format: generated
// biome-ignore-all assist/source/organizeImports: generated
import type { ShaderDescriptor } from '../../gpu/shader';
import code from '../../../shaders/transpose.wgsl';

export const transpose = { name: 'transpose', code, bindings: {input: {binding: 0, access: 'read', element: 'f32'}, output: {binding: 1, access: 'read_write', element: 'f32'}}, params: {binding: 2, size: 16, fields: {rows: {offset: 0, type: 'u32'}, cols: {offset: 4, type: 'u32'}, input_ld: {offset: 8, type: 'u32'}, output_ld: {offset: 12, type: 'u32'}}}, overrides: {}, specialised: {}, workgroupSize: [64], features: [] } as const satisfies ShaderDescriptor;
