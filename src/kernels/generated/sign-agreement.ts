// Made by `node build.mjs --generate` from shaders/*.wgsl; do not edit.
// biome-ignore-all format: generated
// biome-ignore-all assist/source/organizeImports: generated
import type { ShaderDescriptor } from '../../gpu/shader';
import code from '../../../shaders/sign_agreement.wgsl';

export const signAgreement = { name: 'sign_agreement', code, bindings: {f: {binding: 0, access: 'read', element: 'f32'}, g: {binding: 1, access: 'read', element: 'f32'}, count: {binding: 2, access: 'read_write', element: 'u32'}}, params: {binding: 3, size: 16, fields: {n: {offset: 0, type: 'u32'}}}, overrides: {}, specialised: {}, workgroupSize: [256], features: [] } as const satisfies ShaderDescriptor;
