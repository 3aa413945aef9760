// Made by `node build.mjs --generate` from shaders/*.wgsl; do not edit.
// biome-ignore-all format: generated
// biome-ignore-all assist/source/organizeImports: generated
import type { ShaderDescriptor } from '../../gpu/shader';
import code from '../../../shaders/fma_throughput.wgsl';

export const fmaThroughput = { name: 'fma_throughput', code, bindings: {output: {binding: 0, access: 'read_write', element: 'f32'}}, params: {binding: 1, size: 16, fields: {count: {offset: 0, type: 'u32'}, rounds: {offset: 4, type: 'u32'}, scale: {offset: 8, type: 'f32'}, shift: {offset: 12, type: 'f32'}}}, overrides: {}, specialised: {R: 4, U: 8}, workgroupSize: [64], features: [] } as const satisfies ShaderDescriptor;
