// The contract between a .wgsl file and the host, as read from the WGSL itself by reflection (build.mjs --generate
// writes src/kernels/generated.ts; a test fails when the two disagree).

import type { ElementType, GpuArray } from './array';
import type { GpuImage } from './image';

export interface BindingDescriptor {
  readonly binding: number;
  readonly access: 'read' | 'read_write';
  /** `raw`: 32-bit words of either type. */
  readonly element: ElementType | 'raw';
  /** Holds halves instead where the constant HALF is 1. */
  readonly half?: true;
  /** Is a texture instead, a {@link GpuImage}, where the constant IMAGE is 1. */
  readonly image?: true;
  /** Where the elements are structs of scalars: they then count as u32 words, `record.size / 4` each. */
  readonly record?: RecordDescriptor;
}

/** A struct of 32-bit scalars. */
export interface RecordDescriptor {
  /** Bytes. */
  readonly size: number;
  readonly fields: Readonly<Record<string, { readonly offset: number; readonly type: 'u32' | 'i32' | 'f32' }>>;
}

export interface ParamsDescriptor extends RecordDescriptor {
  readonly binding: number;
}

/** What the host knows of a shader. One .wgsl file, one entry point of the same name. */
export interface ShaderDescriptor {
  readonly name: string;
  readonly code: string;
  readonly bindings: Readonly<Record<string, BindingDescriptor>>;
  readonly params: ParamsDescriptor | null;
  /** Pipeline-overridable constants and their defaults. */
  readonly overrides: Readonly<Record<string, number>>;
  /** Constants replaced in the text before compilation, because register arrays and unrolled loops need literals. */
  readonly specialised: Readonly<Record<string, number>>;
  /** Each dimension is a number, or the name of the override or constant it comes from. */
  readonly workgroupSize: readonly (number | string)[];
  /** WebGPU's names, and Chromium's for what is experimental. */
  readonly features: readonly string[];
}

/** A descriptor for every name the shader binds. */
export type BindingsOf<D extends ShaderDescriptor> = {
  readonly [K in keyof D['bindings']]: D['bindings'][K] extends { readonly image: true }
    ? GpuArray | GpuImage
    : GpuArray;
};
export type ParamsOf<D extends ShaderDescriptor> = D['params'] extends ParamsDescriptor
  ? { readonly [K in keyof D['params']['fields']]: number }
  : Record<string, never>;
export type ConstantsOf<D extends ShaderDescriptor> = Partial<
  Record<(keyof D['overrides'] | keyof D['specialised']) & string, number>
>;

/** Packs the values of a parameter struct as the shader lays it out. */
export function packParams(params: ParamsDescriptor, values: Readonly<Record<string, number>>): ArrayBuffer {
  return packRecords(params, [values]).buffer as ArrayBuffer;
}

/** Packs structs one after the other, as words. */
export function packRecords(
  { size, fields }: RecordDescriptor,
  records: readonly Readonly<Record<string, number>>[],
): Uint32Array {
  // Little-endian, as every machine that WebGPU runs on.
  const words = new Uint32Array((size / 4) * records.length);
  const floats = new Float32Array(words.buffer);
  for (const [name, { offset, type }] of Object.entries(fields)) {
    const [least, end] = type === 'u32' ? [0, 2 ** 32] : [-(2 ** 31), 2 ** 31];
    let at = offset / 4;
    for (const values of records) {
      const value = values[name];
      if (value === undefined) throw new TypeError(`parameter ${name} is missing`);
      if (type === 'f32') floats[at] = value;
      // A number that wrapped would address other data in silence.
      else if (!(Number.isInteger(value) && value >= least && value < end)) {
        throw new RangeError(`parameter ${name} = ${value} does not fit ${type}`);
      } else words[at] = value;
      at += size / 4;
    }
  }
  return words;
}
