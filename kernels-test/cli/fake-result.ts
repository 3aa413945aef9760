// A finished run that nobody ran. In a file of its own, because the process test bundles it without vitest.

import type { ExperimentConfig, ExperimentResult } from '../../src/experiment/types';

/** A result such as the pipeline gives, with images when the data are glyphs. */
export function fakeResult(config: ExperimentConfig): ExperimentResult {
  const history = (epochs: number) => Float32Array.from({ length: epochs }, (_, i) => -i);
  const side = config.data.kind === 'glyphs' ? config.data.size : 0;
  const pixels = (scale: number) =>
    Float32Array.from({ length: 2 * side * side }, (_, i) => scale * Math.sin(i) + scale / 2);
  const images: Partial<ExperimentResult> =
    side === 0
      ? {}
      : {
          image: { width: side, height: side, channels: 1 },
          samples: {
            rows: 2,
            x: pixels(1),
            r: pixels(0.01),
            labels: Float32Array.of(1, -1),
            targets: Float32Array.of(-1, -1),
          },
        };
  return {
    config,
    metrics: { standardAccuracy: 0.9876, perturbationAccuracy: 0.9123, agreement: 0.905 },
    loss: { standard: -12.3456, learning: -0.0123456 },
    trainer: {
      chosen: 'direct',
      reason: 'the cost model found it cheaper',
      stages: { standard: { chosen: 'direct', reason: 'cheaper' }, learning: { chosen: 'direct', reason: 'cheaper' } },
      kernels: { forward: 'tiled' },
    },
    device: {
      name: 'Fake Adapter 3000',
      vendor: 'acme',
      architecture: 'gen-9',
      description: 'fake driver 1.2',
      backend: 'vulkan',
      software: true,
      subgroupSize: 32,
    },
    versions: { 'perturb-gpu': '0.1.0' },
    timing: {
      startupSeconds: 0.5,
      standardSeconds: 1.25,
      perturbationSeconds: 0.01,
      learningSeconds: 130,
      evaluationSeconds: 0.02,
      totalSeconds: 131.28,
    },
    memory: { peakDeviceBytes: 5 * 1024 * 1024 },
    history: {
      standardLoss: history(config.standard.epochs),
      standardLr: history(config.standard.epochs),
      learningLoss: history(config.learning.epochs),
      learningLr: history(config.learning.epochs),
    },
    arrays: config.save.includes('perturbations')
      ? { R: { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) } }
      : {},
    ...images,
  };
}
