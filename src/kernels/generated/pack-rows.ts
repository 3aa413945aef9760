// Made by `node build.mjs --generate` from shaders/*.wgsl; do not edit.
// biome-ignore-all format: generated
// biome-ignore-all assist/source/organizeImports: generated
import type { ShaderDescriptor } from '../../gpu/shader';
import code from '../../../shaders/pack_rows.wgsl';

export const packRows = { name: 'pack_rows', code, bindings: {input: {binding: 0, access: 'read', element: 'f32', half: true}, output: {binding: 1, access: 'read_write', element: 'f32', image: true}}, params: {binding: 2, size: 48, fields: {steps: {offset: 0, type: 'u32'}, rows: {offset: 4, type: 'u32'}, height: {offset: 8, type: 'u32'}, first: {offset: 12, type: 'u32'}, width: {offset: 16, type: 'u32'}, panel: {offset: 20, type: 'u32'}, stride: {offset: 24, type: 'u32'}, out_steps: {offset: 28, type: 'u32'}, out_step: {offset: 32, type: 'u32'}}}, overrides: {}, specialised: {HALF: 0, IMAGE: 0}, workgroupSize: [64], features: [] } as const satisfies ShaderDescriptor;
