// Made by `node build.mjs --generate` from shaders/*.wgsl; do not edit.
// biome-ignore-all format: generated
// biome-ignore-all assist/source/organizeImports: generated
import type { ShaderDescriptor } from '../../gpu/shader';
import code from '../../../shaders/sign_mask.wgsl';

export const signMask = { name: 'sign_mask', code, bindings: {h: {binding: 0, access: 'read', element: 'f32'}, mask: {binding: 1, access: 'read_write', element: 'u32'}}, params: {binding: 2, size: 32, fields: {n: {offset: 0, type: 'u32'}, m: {offset: 4, type: 'u32'}, ld: {offset: 8, type: 'u32'}, group: {offset: 12, type: 'u32'}, words: {offset: 16, type: 'u32'}, first: {offset: 20, type: 'u32'}, mask_first: {offset: 24, type: 'u32'}}}, overrides: {}, specialised: {}, workgroupSize: [64], features: [] } as const satisfies ShaderDescriptor;
