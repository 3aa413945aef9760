// Made by `node build.mjs --generate` from shaders/*.wgsl; do not edit.
// biome-ignore-all format: generated
// biome-ignore-all assist/source/organizeImports: generated
import type { ShaderDescriptor } from '../../gpu/shader';
import code from '../../../shaders/forward_subgroup.wgsl';

export const forwardSubgroup = { name: 'forward_subgroup', code, bindings: {panels: {binding: 0, access: 'read', element: 'f32', half: true}, weights: {binding: 1, access: 'read', element: 'f32', image: true}, readout: {binding: 2, access: 'read', element: 'f32'}, mask: {binding: 3, access: 'read_write', element: 'u32'}, partial: {binding: 4, access: 'read_write', element: 'f32'}}, params: {binding: 5, size: 16, fields: {n: {offset: 0, type: 'u32'}, d: {offset: 4, type: 'u32'}, m: {offset: 8, type: 'u32'}, slope: {offset: 12, type: 'f32'}}}, overrides: {}, specialised: {S: 8, G: 25, NW: 2, U: 2, AF: 7, AQ: 2, HALF: 0, IMAGE: 0}, workgroupSize: ['S'], features: ['subgroups'] } as const satisfies ShaderDescriptor;
