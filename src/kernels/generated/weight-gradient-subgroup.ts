// Made by `node build.mjs --generate` from shaders/*.wgsl; do not edit.
// biome-ignore-all format: generated
// biome-ignore-all assist/source/organizeImports: generated
import type { ShaderDescriptor } from '../../gpu/shader';
import code from '../../../shaders/weight_gradient_subgroup.wgsl';

export const weightGradientSubgroup = { name: 'weight_gradient_subgroup', code, bindings: {x: {binding: 0, access: 'read', element: 'f32', half: true}, mask: {binding: 1, access: 'read', element: 'u32'}, residual: {binding: 2, access: 'read', element: 'f32'}, gradient: {binding: 3, access: 'read_write', element: 'f32'}, total: {binding: 4, access: 'read_write', element: 'f32'}}, params: {binding: 5, size: 32, fields: {n: {offset: 0, type: 'u32'}, d: {offset: 4, type: 'u32'}, start: {offset: 8, type: 'u32'}, mask_words: {offset: 12, type: 'u32'}, words: {offset: 16, type: 'u32'}, part: {offset: 20, type: 'u32'}, step: {offset: 24, type: 'u32'}, height: {offset: 28, type: 'u32'}}}, overrides: {}, specialised: {S: 8, G: 25, NW: 2, U: 4, BF: 1, HALF: 0}, workgroupSize: ['S'], features: ['subgroups'] } as const satisfies ShaderDescriptor;
