// One random stream a purpose, so that adding draws to one never moves another.
// The numbers are part of the contract with the GPU generator and of every recorded result: never renumber, only append.

/** Philox stream numbers by purpose; the third counter word, see philox.ts. f and g are the two networks. */
export const STREAMS = {
  dataNoise: 1,
  labels: 2,
  fW: 3,
  fb: 4,
  fa: 5,
  gW: 6,
  gb: 7,
  ga: 8,
  targets: 9,
  testNoise: 10,
  testLabels: 11,
  glyphs: 12,
  testGlyphs: 13,
  phiWeights: 14,
  phiBiases: 15,
} as const;

export type StreamName = keyof typeof STREAMS;
