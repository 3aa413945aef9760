// Training that left the numbers of float32. What follows an infinity or a NaN is no training, and its accuracy, a count of
// comparisons that all fail, would look like a result: so it ends there, and says where.

export type DivergedQuantity = 'loss' | 'weights' | 'half weights' | 'outputs' | 'perturbations' | 'test outputs';

const TOLD: Readonly<Record<DivergedQuantity, string>> = {
  loss: 'loss is not finite',
  weights: 'weights are not finite',
  'half weights': 'weights are past the largest half, 65504,',
  outputs: 'outputs are not finite',
  perturbations: 'perturbations are not finite',
  'test outputs': 'outputs on the test points are not finite',
};

export interface DivergenceDetails {
  /** Epoch, counted from 1, before whose update it was seen; that of the last update where only the end showed it. */
  readonly epoch: number;
  readonly what: DivergedQuantity;
  /** Learning rate of that epoch. */
  readonly lr: number;
  /** Loss before the first update, where one was made. */
  readonly firstLoss: number | undefined;
  /** Which of the two trainings of an experiment. */
  readonly stage?: 'standard' | 'learning';
  /** What it came from, as far as that can be told, and what to change. */
  readonly cause?: string;
  readonly remedy?: string;
}

/** A training diverged: its loss, weights or outputs are infinite, NaN, or past the precision asked for. A finding about the setting, not a fault. */
export class DivergenceError extends Error {
  override readonly name = 'DivergenceError';
  readonly epoch: number;
  readonly what: DivergedQuantity;
  readonly lr: number;
  readonly firstLoss: number | undefined;
  readonly stage: 'standard' | 'learning' | undefined;
  readonly remedy: string;

  constructor({ epoch, what, lr, firstLoss, stage, cause, remedy }: DivergenceDetails) {
    const who = { standard: 'the training of f', learning: 'the training of g' };
    const where = `${stage ? who[stage] : 'the training'} diverged: ${TOLD[what]} at epoch ${epoch}`;
    super(cause === undefined ? where : `${where}; ${cause}`);
    this.epoch = epoch;
    this.what = what;
    this.lr = lr;
    this.firstLoss = firstLoss;
    this.stage = stage;
    this.remedy = remedy ?? 'Lower the learning rate, or rescale the data.';
  }

  /** The same, told of a stage of an experiment. */
  within(stage: 'standard' | 'learning', told: Pick<DivergenceDetails, 'cause' | 'remedy'>): DivergenceError {
    const { epoch, what, lr, firstLoss } = this;
    return new DivergenceError({ epoch, what, lr, firstLoss, stage, ...told });
  }
}
