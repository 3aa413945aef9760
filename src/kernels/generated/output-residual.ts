// Made by `node build.mjs --generate` from shaders/*.wgsl; do not edit.
// biome-ignore-all format: generated
// biome-ignore-all assist/source/organizeImports: generated
import type { ShaderDescriptor } from '../../gpu/shader';
import code from '../../../shaders/output_residual.wgsl';

export const outputResidual = { name: 'output_residual', code, bindings: {partial: {binding: 0, access: 'read', element: 'f32'}, labels: {binding: 1, access: 'read', element: 'f32'}, margin: {binding: 2, access: 'read_write', element: 'f32'}, residual: {binding: 3, access: 'read_write', element: 'f32'}}, params: {binding: 4, size: 32, fields: {n: {offset: 0, type: 'u32'}, start: {offset: 4, type: 'u32'}, words: {offset: 8, type: 'u32'}, logistic: {offset: 12, type: 'u32'}, scale: {offset: 16, type: 'f32'}}}, overrides: {}, specialised: {}, workgroupSize: [64], features: [] } as const satisfies ShaderDescriptor;
