// What a data loader hands to the pipeline: host arrays, checked, with labels in {-1, +1}.
// Bytes stay bytes until the GPU turns them into numbers.

/** A row-major matrix on the host. Bytes mean value = scale * byte - subtract, computed on the GPU. */
export interface HostMatrix {
  readonly rows: number;
  readonly cols: number;
  readonly values: Float32Array | Uint8Array;
  /** Factor applied to each stored value (1 for floats). */
  readonly scale: number;
  /** Subtracted after scaling (0 when there is nothing to subtract). */
  readonly subtract: number;
}

/** How a row of the matrix is an image, where it is one. */
export interface ImageShape {
  readonly width: number;
  readonly height: number;
  /** 1 grey, 3 colour planes (all red, all green, all blue). */
  readonly channels: 1 | 3;
}

/** A two-class data set: n training rows, their labels, and test rows where the source has them. */
export interface HostDataset {
  readonly x: HostMatrix;
  /** Length n, each -1 or +1. */
  readonly y: Float32Array;
  /** Fresh points for the agreement; absent when the source has none. */
  readonly testX?: HostMatrix;
  readonly testY?: Float32Array;
  readonly image?: ImageShape;
  /** Names of the +1 and the -1 class, for tables and pictures. */
  readonly classNames?: readonly [string, string];
}

/** Reads a file named in the configuration; the only door to the outside that loaders have. */
export type ReadFile = (path: string) => Promise<Uint8Array>;
