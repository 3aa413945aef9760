import type { Check } from '../checks/case';

/** One way to break a shader in memory. */
export interface Sabotage {
  /** What is broken. */
  readonly what: string;
  readonly from: string | RegExp;
  readonly to: string;
  /** Passes on the shader as it is; must fail on the broken one. */
  readonly check: Check;
}

/** By name of the shader. */
export type Sabotages = Readonly<Record<string, readonly Sabotage[]>>;
