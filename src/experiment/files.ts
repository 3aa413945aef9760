// perturb-gpu/files: files as bytes, for pages that take some in or offer some for download.

export { readBlobs } from '../data/blobs';
export { encodeNpy, parseNpy } from '../data/npy';
export { encodeNpz, parseNpz } from '../data/npz';
export { type Artifact, resultArtifacts } from './artifacts';
