// What the neuron loop of Gram-space training can take, known without loading it.

/** Row pieces that K may lie in: as many as the kernel binds. */
export const GRAM_PIECES = 6;
/** Epochs that a run may have at most: the kernel's search for a crossing ends there. */
export const GRAM_EPOCHS = 2 ** 22;

/** More flips than an epoch of a neuron can have. */
export const NO_CROWD = 0xffffffff;

/** Bytes of workgroup memory that gram_identity_workgroup takes at its most lanes, besides a bit for each sample. */
const WORKGROUP_BYTES = 5780;
export const MOST_LANES = 256;

/** Samples that gram_identity_workgroup takes on an adapter: 83968 where workgroup memory is the least there may be. */
export function gramSamples({ maxComputeWorkgroupStorageSize: bytes }: GPUSupportedLimits): number {
  // Whole quads of all lanes.
  const unit = 4 * MOST_LANES;
  return Math.floor(((bytes - WORKGROUP_BYTES) * 8) / unit) * unit;
}
