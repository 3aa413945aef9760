// Made by `node build.mjs --generate` from shaders/*.wgsl; do not edit.
// biome-ignore-all format: generated
// biome-ignore-all assist/source/organizeImports: generated
import type { ShaderDescriptor } from '../../gpu/shader';
import code from '../../../shaders/philox_fill.wgsl';

export const philoxFill = { name: 'philox_fill', code, bindings: {raw: {binding: 0, access: 'read_write', element: 'raw'}}, params: {binding: 1, size: 48, fields: {rows: {offset: 0, type: 'u32'}, cols: {offset: 4, type: 'u32'}, ld: {offset: 8, type: 'u32'}, block_low: {offset: 12, type: 'u32'}, block_high: {offset: 16, type: 'u32'}, skip: {offset: 20, type: 'u32'}, stream: {offset: 24, type: 'u32'}, seed_low: {offset: 28, type: 'u32'}, seed_high: {offset: 32, type: 'u32'}, scale: {offset: 36, type: 'f32'}}}, overrides: {KIND: 0}, specialised: {}, workgroupSize: [64], features: [] } as const satisfies ShaderDescriptor;
