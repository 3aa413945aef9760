// Made by `node build.mjs --generate` from shaders/*.wgsl; do not edit.
// biome-ignore-all format: generated
// biome-ignore-all assist/source/organizeImports: generated
import type { ShaderDescriptor } from '../../gpu/shader';
import code from '../../../shaders/perturb_l0.wgsl';

export const perturbL0 = { name: 'perturb_l0', code, bindings: {targets: {binding: 0, access: 'read', element: 'f32'}, gradient: {binding: 1, access: 'read_write', element: 'f32'}}, params: {binding: 2, size: 32, fields: {n: {offset: 0, type: 'u32'}, d: {offset: 4, type: 'u32'}, start: {offset: 8, type: 'u32'}, k: {offset: 12, type: 'u32'}, size: {offset: 16, type: 'f32'}}}, overrides: {}, specialised: {}, workgroupSize: [64], features: [] } as const satisfies ShaderDescriptor;
