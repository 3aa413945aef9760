// perturb-gpu/files: files as bytes, for pages that take some in, offer some for download or keep checkpoints.

export { readBlobs } from '../data/blobs';
export { encodeNpy, parseNpy } from '../data/npy';
export { encodeNpz, parseNpz } from '../data/npz';
export { type Artifact, resultArtifacts } from './artifacts';
export {
  decodeCheckpoint,
  type EncodedCheckpoint,
  encodeCheckpoint,
  type KeptRun,
  type RunIdentity,
  watchedReader,
} from './checkpoint-format';
