// Made by `node build.mjs --generate` from shaders/*.wgsl; do not edit.
// biome-ignore-all format: generated
// biome-ignore-all assist/source/organizeImports: generated
import type { ShaderDescriptor } from '../../gpu/shader';
import code from '../../../shaders/background_dot.wgsl';

export const backgroundDot = { name: 'background_dot', code, bindings: {x: {binding: 0, access: 'read', element: 'f32'}, background: {binding: 1, access: 'read', element: 'f32'}, output: {binding: 2, access: 'read_write', element: 'f32'}}, params: {binding: 3, size: 16, fields: {panels: {offset: 0, type: 'u32'}, steps: {offset: 4, type: 'u32'}, output_first: {offset: 8, type: 'u32'}, offset: {offset: 12, type: 'f32'}}}, overrides: {}, specialised: {}, workgroupSize: [32], features: [] } as const satisfies ShaderDescriptor;
