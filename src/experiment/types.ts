// The configuration after validation: every default filled in. The schema in config.ts produces exactly this.

import type { AdapterReport } from '../gpu/gpu';
import type { DecisionMap } from '../theory/map';

export interface PlateauConfig {
  readonly factor: number;
  readonly patience: number;
  readonly threshold: number;
}

/** Paths of .npy files with initial parameters: W (m, d), b (m), a (m). */
export interface InitConfig {
  readonly W?: string;
  readonly b?: string;
  readonly a?: string;
}

export interface TrainingConfig {
  readonly lr: number;
  readonly epochs: number;
  readonly momentum: number;
  readonly plateau: PlateauConfig | false;
  readonly init?: InitConfig;
}

export type DataConfig =
  | { readonly kind: 'shifted-gauss'; readonly n: number; readonly d: number; readonly shift: number }
  | { readonly kind: 'gauss'; readonly n: number; readonly d: number }
  | { readonly kind: 'glyphs'; readonly n: number; readonly classes: readonly [number, number]; readonly size: number }
  | {
      readonly kind: 'idx';
      readonly images: string;
      readonly labels: string;
      readonly testImages?: string;
      readonly testLabels?: string;
      readonly classes: readonly [number, number];
      readonly subtract: number;
    }
  | {
      readonly kind: 'mnist' | 'fashion-mnist';
      readonly dir: string;
      readonly classes: readonly [number, number];
      readonly subtract: number;
    }
  | { readonly kind: 'cifar10'; readonly dir: string; readonly classes: readonly [number, number] }
  | { readonly kind: 'npy'; readonly x: string; readonly y: string; readonly testX?: string; readonly testY?: string };

export interface PerturbationConfig {
  readonly kind: 'l2' | 'linf' | 'l0';
  /** Length in the chosen norm (l2, l0: Euclidean length; linf: largest entry). */
  readonly size: number;
  /** Scenario b: train the second network on x + r instead of r. */
  readonly onData: boolean;
  /** l0 only: how many entries may be non-zero. */
  readonly k?: number;
  /** Path of a .npy file with the target labels, each -1 or +1. */
  readonly targets?: string;
}

export type SaveItem = 'data' | 'networks' | 'perturbations' | 'outputs' | 'theory';

export interface ExperimentConfig {
  readonly seed: number;
  readonly data: DataConfig;
  readonly network: { readonly width: number; readonly slope: number };
  readonly loss: 'identity' | 'logistic';
  readonly standard: TrainingConfig;
  readonly perturbation: PerturbationConfig;
  readonly learning: TrainingConfig;
  /** Fresh points for the agreement; absent means every test point the data has. */
  readonly test: { readonly n?: number };
  readonly theory: {
    readonly cosine: boolean;
    readonly map: boolean | { readonly resolution: number; readonly limits: readonly [number, number] };
    /** Phi in closed form, or estimated from so many drawn neurons; those may come from files, as a network's do. */
    readonly phi: 'exact' | { readonly draws: number; readonly init?: Pick<InitConfig, 'W' | 'b'> };
  };
  readonly trainer: 'auto' | 'direct' | 'gram';
  readonly precision: 'f32' | 'f16';
  readonly save: readonly SaveItem[];
}

export type Stage = 'prepare' | 'standard' | 'perturbation' | 'learning' | 'theory' | 'evaluation';

/** Reported while a run goes on; the training stages carry the epoch and the loss read last. */
export interface Progress {
  readonly stage: Stage;
  readonly epoch?: number;
  readonly epochs?: number;
  readonly loss?: number;
  readonly lr?: number;
  readonly accuracy?: number;
}

/** The adapter that an experiment ran on. */
export type DeviceReport = AdapterReport;

/** A float32 array of known shape, row-major. */
export interface NamedArray {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Plain data: everything a finished run has to say. `history` and `arrays` hold what history.npz and the .npy files hold. */
export interface ExperimentResult {
  readonly config: ExperimentConfig;
  readonly metrics: {
    readonly standardAccuracy: number;
    readonly perturbationAccuracy: number;
    /** Null when the data have no test points. */
    readonly agreement: number | null;
    /** Mean of |cos| between perturbations and predicted directions, when asked for. */
    readonly cosine?: number;
  };
  readonly loss: { readonly standard: number; readonly learning: number };
  readonly trainer: {
    /** Of the first training; `stages` has both. */
    readonly chosen: 'direct' | 'gram';
    readonly reason: string;
    readonly stages: Readonly<
      Record<'standard' | 'learning', { readonly chosen: 'direct' | 'gram'; readonly reason: string }>
    >;
    readonly kernels: Readonly<Record<string, string>>;
  };
  readonly device: DeviceReport;
  readonly versions: Readonly<Record<string, string>>;
  readonly timing: {
    readonly startupSeconds: number;
    readonly standardSeconds: number;
    readonly perturbationSeconds: number;
    readonly learningSeconds: number;
    readonly evaluationSeconds: number;
    /** Present when anything of the theory was asked for. */
    readonly theorySeconds?: number;
    readonly totalSeconds: number;
  };
  readonly memory: { readonly peakDeviceBytes: number };
  readonly history: {
    readonly standardLoss: Float32Array;
    readonly standardLr: Float32Array;
    readonly learningLoss: Float32Array;
    readonly learningLr: Float32Array;
  };
  /** By the name of the file they are saved to, without the extension: X, y, f_W, R, g_test, ... */
  readonly arrays: Readonly<Record<string, NamedArray>>;
  /** When the configuration asks for it. */
  readonly map?: DecisionMap;
  /** Image shape of a row of X, where it is one. */
  readonly image?: { readonly width: number; readonly height: number; readonly channels: 1 | 3 };
  /** A few rows for pictures: sample, perturbation and what the second network saw, when the rows are images. */
  readonly samples?: {
    readonly rows: number;
    readonly x: Float32Array;
    readonly r: Float32Array;
    readonly labels: Float32Array;
    readonly targets: Float32Array;
  };
}
