// f and g of the finished run as plain arrays, for inputs of one's own.

import type { PlainNetwork } from '../network/predict';
import { result } from './live';

/** Undefined until a run has finished that kept its networks. */
export function networks(): { readonly f: PlainNetwork; readonly g: PlainNetwork } | undefined {
  const { value } = result;
  if (!value?.arrays.f_W) return undefined;
  const { arrays, config } = value;
  const plain = (name: 'f' | 'g'): PlainNetwork => ({
    W: arrays[`${name}_W`]!.data,
    b: arrays[`${name}_b`]!.data,
    a: arrays[`${name}_a`]!.data,
    slope: config.network.slope,
  });
  return { f: plain('f'), g: plain('g') };
}
