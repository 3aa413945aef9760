// Made by `node build.mjs --generate` from shaders/*.wgsl; do not edit.
// biome-ignore-all format: generated
// biome-ignore-all assist/source/organizeImports: generated
import type { ShaderDescriptor } from '../../gpu/shader';
import code from '../../../shaders/gram_coefficients.wgsl';

export const gramCoefficients = { name: 'gram_coefficients', code, bindings: {mask: {binding: 0, access: 'read', element: 'u32'}, residual: {binding: 1, access: 'read', element: 'f32'}, readout: {binding: 2, access: 'read', element: 'f32'}, state: {binding: 3, access: 'read', element: 'f32'}, velocity: {binding: 4, access: 'read_write', element: 'f32'}, coefficients: {binding: 5, access: 'read_write', element: 'f32'}}, params: {binding: 6, size: 32, fields: {n: {offset: 0, type: 'u32'}, m: {offset: 4, type: 'u32'}, ld: {offset: 8, type: 'u32'}, group: {offset: 12, type: 'u32'}, start: {offset: 16, type: 'u32'}, slope: {offset: 20, type: 'f32'}, momentum: {offset: 24, type: 'f32'}}}, overrides: {}, specialised: {}, workgroupSize: [64], features: [] } as const satisfies ShaderDescriptor;
