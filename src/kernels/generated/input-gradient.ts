// Made by `node build.mjs --generate` from shaders/*.wgsl; do not edit.
// biome-ignore-all format: generated
// biome-ignore-all assist/source/organizeImports: generated
import type { ShaderDescriptor } from '../../gpu/shader';
import code from '../../../shaders/input_gradient.wgsl';

export const inputGradient = { name: 'input_gradient', code, bindings: {mask: {binding: 0, access: 'read', element: 'u32'}, rows: {binding: 1, access: 'read', element: 'f32'}, readout: {binding: 2, access: 'read', element: 'f32'}, gradient: {binding: 3, access: 'read_write', element: 'f32'}}, params: {binding: 4, size: 32, fields: {n: {offset: 0, type: 'u32'}, d: {offset: 4, type: 'u32'}, m: {offset: 8, type: 'u32'}, group: {offset: 12, type: 'u32'}, height: {offset: 16, type: 'u32'}, slope: {offset: 20, type: 'f32'}}}, overrides: {S: 64}, specialised: {}, workgroupSize: ['S'], features: [] } as const satisfies ShaderDescriptor;
