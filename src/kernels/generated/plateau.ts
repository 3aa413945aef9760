// Made by `node build.mjs --generate` from shaders/*.wgsl; do not edit.
// biome-ignore-all format: generated
// biome-ignore-all assist/source/organizeImports: generated
import type { ShaderDescriptor } from '../../gpu/shader';
import code from '../../../shaders/plateau.wgsl';

export const plateau = { name: 'plateau', code, bindings: {summary: {binding: 0, access: 'read', element: 'f32'}, state: {binding: 1, access: 'read_write', element: 'f32'}, history: {binding: 2, access: 'read_write', element: 'f32'}}, params: {binding: 3, size: 16, fields: {enabled: {offset: 0, type: 'u32'}, patience: {offset: 4, type: 'u32'}, factor: {offset: 8, type: 'f32'}, keep: {offset: 12, type: 'f32'}}}, overrides: {}, specialised: {}, workgroupSize: [1], features: [] } as const satisfies ShaderDescriptor;
