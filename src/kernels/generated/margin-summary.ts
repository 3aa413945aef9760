// Made by `node build.mjs --generate` from shaders/*.wgsl; do not edit.
// biome-ignore-all format: generated
// biome-ignore-all assist/source/organizeImports: generated
import type { ShaderDescriptor } from '../../gpu/shader';
import code from '../../../shaders/margin_summary.wgsl';

export const marginSummary = { name: 'margin_summary', code, bindings: {margin: {binding: 0, access: 'read', element: 'f32'}, summary: {binding: 1, access: 'read_write', element: 'f32'}}, params: {binding: 2, size: 16, fields: {n: {offset: 0, type: 'u32'}, logistic: {offset: 4, type: 'u32'}, root: {offset: 8, type: 'u32'}}}, overrides: {T: 256}, specialised: {}, workgroupSize: ['T'], features: [] } as const satisfies ShaderDescriptor;
