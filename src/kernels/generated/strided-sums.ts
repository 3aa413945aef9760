// Made by `node build.mjs --generate` from shaders/*.wgsl; do not edit.
// biome-ignore-all format: generated
// biome-ignore-all assist/source/organizeImports: generated
import type { ShaderDescriptor } from '../../gpu/shader';
import code from '../../../shaders/strided_sums.wgsl';

export const stridedSums = { name: 'strided_sums', code, bindings: {input: {binding: 0, access: 'read', element: 'f32'}, output: {binding: 1, access: 'read_write', element: 'f32'}}, params: {binding: 2, size: 32, fields: {count: {offset: 0, type: 'u32'}, steps: {offset: 4, type: 'u32'}, first: {offset: 8, type: 'u32'}, outer: {offset: 12, type: 'u32'}, inner: {offset: 16, type: 'u32'}, output_first: {offset: 20, type: 'u32'}, accumulate: {offset: 24, type: 'u32'}}}, overrides: {}, specialised: {}, workgroupSize: [64], features: [] } as const satisfies ShaderDescriptor;
