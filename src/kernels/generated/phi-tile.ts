// Made by `node build.mjs --generate` from shaders/*.wgsl; do not edit.
// biome-ignore-all format: generated
// biome-ignore-all assist/source/organizeImports: generated
import type { ShaderDescriptor } from '../../gpu/shader';
import code from '../../../shaders/phi_tile.wgsl';

export const phiTile = { name: 'phi_tile', code, bindings: {x: {binding: 0, access: 'read', element: 'f32'}, z: {binding: 1, access: 'read', element: 'f32'}, x_norms: {binding: 2, access: 'read', element: 'f32'}, z_norms: {binding: 3, access: 'read', element: 'f32'}, labels: {binding: 4, access: 'read', element: 'f32'}, tile: {binding: 5, access: 'read_write', element: 'f32'}}, params: {binding: 6, size: 32, fields: {rows: {offset: 0, type: 'u32'}, columns: {offset: 4, type: 'u32'}, ld: {offset: 8, type: 'u32'}, quads: {offset: 12, type: 'u32'}, start: {offset: 16, type: 'u32'}, inverse_d: {offset: 20, type: 'f32'}, slope: {offset: 24, type: 'f32'}, gain: {offset: 28, type: 'f32'}}}, overrides: {}, specialised: {}, workgroupSize: [64], features: [] } as const satisfies ShaderDescriptor;
