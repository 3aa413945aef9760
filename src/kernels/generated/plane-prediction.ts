// Made by `node build.mjs --generate` from shaders/*.wgsl; do not edit.
// biome-ignore-all format: generated
// biome-ignore-all assist/source/organizeImports: generated
import type { ShaderDescriptor } from '../../gpu/shader';
import code from '../../../shaders/plane_prediction.wgsl';

export const planePrediction = { name: 'plane_prediction', code, bindings: {places: {binding: 0, access: 'read', element: 'f32'}, pulls: {binding: 1, access: 'read', element: 'f32'}, points: {binding: 2, access: 'read', element: 'f32'}, output: {binding: 3, access: 'read_write', element: 'f32'}}, params: {binding: 4, size: 32, fields: {n: {offset: 0, type: 'u32'}, count: {offset: 4, type: 'u32'}, inverse_d: {offset: 8, type: 'f32'}, slope: {offset: 12, type: 'f32'}, gain: {offset: 16, type: 'f32'}, scale: {offset: 20, type: 'f32'}}}, overrides: {}, specialised: {}, workgroupSize: [64], features: [] } as const satisfies ShaderDescriptor;
