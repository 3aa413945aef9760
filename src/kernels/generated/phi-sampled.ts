// Made by `node build.mjs --generate` from shaders/*.wgsl; do not edit.
// biome-ignore-all format: generated
// biome-ignore-all assist/source/organizeImports: generated
import type { ShaderDescriptor } from '../../gpu/shader';
import code from '../../../shaders/phi_sampled.wgsl';

export const phiSampled = { name: 'phi_sampled', code, bindings: {x_bits: {binding: 0, access: 'read', element: 'u32'}, z_bits: {binding: 1, access: 'read', element: 'u32'}, labels: {binding: 2, access: 'read', element: 'f32'}, tile: {binding: 3, access: 'read_write', element: 'f32'}}, params: {binding: 4, size: 32, fields: {rows: {offset: 0, type: 'u32'}, columns: {offset: 4, type: 'u32'}, ld: {offset: 8, type: 'u32'}, words: {offset: 12, type: 'u32'}, start: {offset: 16, type: 'u32'}, draws: {offset: 20, type: 'u32'}, slope: {offset: 24, type: 'f32'}}}, overrides: {}, specialised: {}, workgroupSize: [64], features: [] } as const satisfies ShaderDescriptor;
