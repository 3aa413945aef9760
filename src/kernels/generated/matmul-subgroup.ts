// Made by `node build.mjs --generate` from shaders/*.wgsl; do not edit.
// biome-ignore-all format: generated
// biome-ignore-all assist/source/organizeImports: generated
import type { ShaderDescriptor } from '../../gpu/shader';
import code from '../../../shaders/matmul_subgroup.wgsl';

export const matmulSubgroup = { name: 'matmul_subgroup', code, bindings: {a: {binding: 0, access: 'read', element: 'f32', image: true}, b: {binding: 1, access: 'read', element: 'f32', half: true}, bias: {binding: 2, access: 'read', element: 'f32'}, output: {binding: 3, access: 'read_write', element: 'f32'}}, params: {binding: 4, size: 64, fields: {steps: {offset: 0, type: 'u32'}, rows: {offset: 4, type: 'u32'}, height: {offset: 8, type: 'u32'}, quads: {offset: 12, type: 'u32'}, b_first: {offset: 16, type: 'u32'}, b_width: {offset: 20, type: 'u32'}, b_panel: {offset: 24, type: 'u32'}, b_stride: {offset: 28, type: 'u32'}, bias_first: {offset: 32, type: 'u32'}, bias_stride: {offset: 36, type: 'u32'}, columns_first: {offset: 40, type: 'u32'}, output_first: {offset: 44, type: 'u32'}, output_stride: {offset: 48, type: 'u32'}, diagonal: {offset: 52, type: 'i32'}, scale: {offset: 56, type: 'f32'}}}, overrides: {}, specialised: {S: 8, R: 32, U: 2, AF: 4, AQ: 1, ACC: 0, HALF: 0, IMAGE: 0, LIVE: 0, CHOSEN: 0}, workgroupSize: ['S'], features: ['subgroups'] } as const satisfies ShaderDescriptor;
