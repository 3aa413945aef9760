// Made by `node build.mjs --generate` from shaders/*.wgsl; do not edit.
// biome-ignore-all format: generated
// biome-ignore-all assist/source/organizeImports: generated
import type { ShaderDescriptor } from '../../gpu/shader';
import code from '../../../shaders/gram_outputs.wgsl';

export const gramOutputs = { name: 'gram_outputs', code, bindings: {h: {binding: 0, access: 'read', element: 'f32'}, readout: {binding: 1, access: 'read', element: 'f32'}, mask: {binding: 2, access: 'read_write', element: 'u32'}, partial: {binding: 3, access: 'read_write', element: 'f32'}}, params: {binding: 4, size: 32, fields: {n: {offset: 0, type: 'u32'}, m: {offset: 4, type: 'u32'}, group: {offset: 8, type: 'u32'}, start: {offset: 12, type: 'u32'}, bias: {offset: 16, type: 'u32'}, slope: {offset: 20, type: 'f32'}}}, overrides: {}, specialised: {}, workgroupSize: [64], features: [] } as const satisfies ShaderDescriptor;
