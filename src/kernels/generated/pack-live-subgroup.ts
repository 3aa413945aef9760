// Made by `node build.mjs --generate` from shaders/*.wgsl; do not edit.
// biome-ignore-all format: generated
// biome-ignore-all assist/source/organizeImports: generated
import type { ShaderDescriptor } from '../../gpu/shader';
import code from '../../../shaders/pack_live_subgroup.wgsl';

export const packLiveSubgroup = { name: 'pack_live_subgroup', code, bindings: {input: {binding: 0, access: 'read', element: 'f32', half: true}, background: {binding: 1, access: 'read', element: 'f32'}, output: {binding: 2, access: 'read_write', element: 'f32', image: true}}, params: {binding: 3, size: 32, fields: {steps: {offset: 0, type: 'u32'}, rows: {offset: 4, type: 'u32'}, height: {offset: 8, type: 'u32'}, first: {offset: 12, type: 'u32'}, width: {offset: 16, type: 'u32'}, panel: {offset: 20, type: 'u32'}, stride: {offset: 24, type: 'u32'}}}, overrides: {}, specialised: {S: 8, HALF: 0, IMAGE: 0}, workgroupSize: ['S'], features: ['subgroups'] } as const satisfies ShaderDescriptor;
