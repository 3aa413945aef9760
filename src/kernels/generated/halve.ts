// Made by `node build.mjs --generate` from shaders/*.wgsl; do not edit.
// biome-ignore-all format: generated
// biome-ignore-all assist/source/organizeImports: generated
import type { ShaderDescriptor } from '../../gpu/shader';
import code from '../../../shaders/halve.wgsl';

export const halve = { name: 'halve', code, bindings: {input: {binding: 0, access: 'read', element: 'f32'}, output: {binding: 1, access: 'read_write', element: 'f16'}, overflow: {binding: 2, access: 'read_write', element: 'u32'}}, params: {binding: 3, size: 16, fields: {count: {offset: 0, type: 'u32'}}}, overrides: {}, specialised: {}, workgroupSize: [64], features: ['shader-f16'] } as const satisfies ShaderDescriptor;
