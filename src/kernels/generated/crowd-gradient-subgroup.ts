// Made by `node build.mjs --generate` from shaders/*.wgsl; do not edit.
// biome-ignore-all format: generated
// biome-ignore-all assist/source/organizeImports: generated
import type { ShaderDescriptor } from '../../gpu/shader';
import code from '../../../shaders/crowd_gradient_subgroup.wgsl';

export const crowdGradientSubgroup = { name: 'crowd_gradient_subgroup', code, bindings: {x: {binding: 0, access: 'read', element: 'f32'}, sources: {binding: 1, access: 'read', element: 'f32'}, neurons: {binding: 2, access: 'read', element: 'u32'}, state: {binding: 3, access: 'read', element: 'f32'}, chosen: {binding: 4, access: 'read', element: 'u32'}, ground: {binding: 5, access: 'read', element: 'f32'}, output: {binding: 6, access: 'read_write', element: 'f32'}}, params: {binding: 7, size: 32, fields: {count: {offset: 0, type: 'u32'}, m: {offset: 4, type: 'u32'}, quads: {offset: 8, type: 'u32'}, x_quads: {offset: 12, type: 'u32'}, closes: {offset: 16, type: 'u32'}, start: {offset: 20, type: 'u32'}, rows: {offset: 24, type: 'u32'}}}, overrides: {}, specialised: {S: 8}, workgroupSize: ['S'], features: ['subgroups'] } as const satisfies ShaderDescriptor;
