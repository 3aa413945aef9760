// Made by `node build.mjs --generate` from shaders/*.wgsl; do not edit.
// biome-ignore-all format: generated
// biome-ignore-all assist/source/organizeImports: generated
import type { ShaderDescriptor } from '../../gpu/shader';
import code from '../../../shaders/momentum_update.wgsl';

export const momentumUpdate = { name: 'momentum_update', code, bindings: {gradient: {binding: 0, access: 'read', element: 'f32'}, total: {binding: 1, access: 'read', element: 'f32'}, readout: {binding: 2, access: 'read', element: 'f32'}, state: {binding: 3, access: 'read', element: 'f32'}, velocity: {binding: 4, access: 'read_write', element: 'f32'}, weights: {binding: 5, access: 'read_write', element: 'f32'}}, params: {binding: 6, size: 48, fields: {count: {offset: 0, type: 'u32'}, m: {offset: 4, type: 'u32'}, words: {offset: 8, type: 'u32'}, group: {offset: 12, type: 'u32'}, lanes: {offset: 16, type: 'u32'}, quads: {offset: 20, type: 'u32'}, parts: {offset: 24, type: 'u32'}, slope: {offset: 28, type: 'f32'}, momentum: {offset: 32, type: 'f32'}}}, overrides: {}, specialised: {}, workgroupSize: [64], features: [] } as const satisfies ShaderDescriptor;
