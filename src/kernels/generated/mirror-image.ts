// Made by `node build.mjs --generate` from shaders/*.wgsl; do not edit.
// biome-ignore-all format: generated
// biome-ignore-all assist/source/organizeImports: generated
import type { ShaderDescriptor } from '../../gpu/shader';
import code from '../../../shaders/mirror_image.wgsl';

export const mirrorImage = { name: 'mirror_image', code, bindings: {matrix: {binding: 0, access: 'read', element: 'f32', image: true}, rows: {binding: 1, access: 'read_write', element: 'f32'}}, params: {binding: 2, size: 16, fields: {start: {offset: 0, type: 'u32'}, height: {offset: 4, type: 'u32'}, stride: {offset: 8, type: 'u32'}}}, overrides: {}, specialised: {IMAGE: 0}, workgroupSize: [8, 8], features: [] } as const satisfies ShaderDescriptor;
