// Made by `node build.mjs --generate` from shaders/*.wgsl; do not edit.
// biome-ignore-all format: generated
// biome-ignore-all assist/source/organizeImports: generated
import type { ShaderDescriptor } from '../../gpu/shader';
import code from '../../../shaders/gram_identity_subgroup.wgsl';

export const gramIdentitySubgroup = { name: 'gram_identity_subgroup', code, bindings: {kernel0: {binding: 0, access: 'read', element: 'f32', image: true}, kernel1: {binding: 1, access: 'read', element: 'f32'}, kernel2: {binding: 2, access: 'read', element: 'f32'}, kernel3: {binding: 3, access: 'read', element: 'f32'}, kernel4: {binding: 4, access: 'read', element: 'f32'}, kernel5: {binding: 5, access: 'read', element: 'f32'}, sources: {binding: 6, access: 'read', element: 'f32', image: true}, neurons: {binding: 7, access: 'read_write', element: 'u32'}, state: {binding: 8, access: 'read_write', element: 'f32'}, losses: {binding: 9, access: 'read_write', element: 'f32'}}, params: {binding: 10, size: 32, fields: {n: {offset: 0, type: 'u32'}, m: {offset: 4, type: 'u32'}, quads: {offset: 8, type: 'u32'}, piece_rows: {offset: 12, type: 'u32'}, have_kernel: {offset: 16, type: 'u32'}, vectors: {offset: 20, type: 'u32'}}}, overrides: {}, specialised: {S: 8, NW: 64, PIECES: 1, IMAGE: 0}, workgroupSize: ['S'], features: ['subgroups'] } as const satisfies ShaderDescriptor;
