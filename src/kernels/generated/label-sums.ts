// Made by `node build.mjs --generate` from shaders/*.wgsl; do not edit.
// biome-ignore-all format: generated
// biome-ignore-all assist/source/organizeImports: generated
import type { ShaderDescriptor } from '../../gpu/shader';
import code from '../../../shaders/label_sums.wgsl';

export const labelSums = { name: 'label_sums', code, bindings: {kernel: {binding: 0, access: 'read', element: 'f32', image: true}, sources: {binding: 1, access: 'read_write', element: 'f32'}}, params: {binding: 2, size: 32, fields: {quads: {offset: 0, type: 'u32'}, start: {offset: 4, type: 'u32'}, rows: {offset: 8, type: 'u32'}, vector: {offset: 12, type: 'u32'}, output: {offset: 16, type: 'u32'}, accumulate: {offset: 20, type: 'u32'}}}, overrides: {}, specialised: {IMAGE: 0}, workgroupSize: [64], features: [] } as const satisfies ShaderDescriptor;
