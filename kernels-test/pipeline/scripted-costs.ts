// The costs of an adapter with another plan for crowds of flips: at the sizes of tests flips never go through X by themselves.

import type * as costs from '../../src/network/costs';

/** The module with a plan that is asked for at every call; undefined leaves the adapter's own. For vi.mock. */
export async function withPlan(
  original: () => Promise<unknown>,
  plan: () => costs.CrowdPlan | undefined,
): Promise<typeof costs> {
  const real = (await original()) as typeof costs;
  const estimateCosts: typeof real.estimateCosts = (...args) => {
    const estimate = real.estimateCosts(...args);
    return estimate && { ...estimate, crowds: plan() ?? estimate.crowds };
  };
  return { ...real, estimateCosts };
}
