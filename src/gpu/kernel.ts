// A compiled shader together with the constants it was compiled with, so that a dispatch cannot disagree with it.

import type { ShaderDescriptor } from './shader';

export class Kernel<D extends ShaderDescriptor> {
  readonly layout: GPUBindGroupLayout;

  constructor(
    readonly shader: D,
    readonly pipeline: GPUComputePipeline,
    /** Identity within a device: the shader's name and its constants. */
    readonly key: string,
    readonly workgroupSize: readonly number[],
    /** Every override and specialised constant, with the value it was compiled with. */
    readonly constants: Readonly<Record<string, number>>,
  ) {
    this.layout = pipeline.getBindGroupLayout(0);
  }

  /** The value of a constant this kernel was compiled with. */
  constant(name: (keyof D['overrides'] | keyof D['specialised']) & string): number {
    return this.constants[name]!;
  }
}
