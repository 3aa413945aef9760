// Made by `node build.mjs --generate` from shaders/*.wgsl; do not edit.
// biome-ignore-all format: generated
// biome-ignore-all assist/source/organizeImports: generated
import type { ShaderDescriptor } from '../../gpu/shader';
import code from '../../../shaders/span_coefficients.wgsl';

export const spanCoefficients = { name: 'span_coefficients', code, bindings: {mask: {binding: 0, access: 'read', element: 'u32'}, readout: {binding: 1, access: 'read', element: 'f32'}, coefficient: {binding: 2, access: 'read', element: 'f32'}, matrix: {binding: 3, access: 'read_write', element: 'f32'}}, params: {binding: 4, size: 32, fields: {n: {offset: 0, type: 'u32'}, first: {offset: 4, type: 'u32'}, start: {offset: 8, type: 'u32'}, count: {offset: 12, type: 'u32'}, ld: {offset: 16, type: 'u32'}, m: {offset: 20, type: 'u32'}, group: {offset: 24, type: 'u32'}, slope: {offset: 28, type: 'f32'}}}, overrides: {}, specialised: {}, workgroupSize: [64], features: [] } as const satisfies ShaderDescriptor;
