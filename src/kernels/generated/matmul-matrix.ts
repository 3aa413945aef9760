// Made by `node build.mjs --generate` from shaders/*.wgsl; do not edit.
// biome-ignore-all format: generated
// biome-ignore-all assist/source/organizeImports: generated
import type { ShaderDescriptor } from '../../gpu/shader';
import code from '../../../shaders/matmul_matrix.wgsl';

export const matmulMatrix = { name: 'matmul_matrix', code, bindings: {a: {binding: 0, access: 'read', element: 'f16'}, b: {binding: 1, access: 'read', element: 'f16'}, bias: {binding: 2, access: 'read', element: 'f32'}, output: {binding: 3, access: 'read_write', element: 'f32'}}, params: {binding: 4, size: 80, fields: {steps: {offset: 0, type: 'u32'}, rows: {offset: 4, type: 'u32'}, quads: {offset: 8, type: 'u32'}, a_first: {offset: 12, type: 'u32'}, a_width: {offset: 16, type: 'u32'}, a_panel: {offset: 20, type: 'u32'}, a_stride: {offset: 24, type: 'u32'}, b_first: {offset: 28, type: 'u32'}, b_width: {offset: 32, type: 'u32'}, b_panel: {offset: 36, type: 'u32'}, b_stride: {offset: 40, type: 'u32'}, bias_first: {offset: 44, type: 'u32'}, bias_stride: {offset: 48, type: 'u32'}, output_first: {offset: 52, type: 'u32'}, output_stride: {offset: 56, type: 'u32'}, diagonal: {offset: 60, type: 'i32'}, scale: {offset: 64, type: 'f32'}}}, overrides: {}, specialised: {ACC: 0}, workgroupSize: [128], features: ['shader-f16', 'chromium-experimental-subgroup-matrix'] } as const satisfies ShaderDescriptor;
