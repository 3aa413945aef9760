// A decision map as arrays. By itself, because who only writes one needs no kernels.

import type { DecisionMap } from '../theory/map';
import type { NamedArray } from './types';

/** The arrays of a map by the names they are saved under. */
export function mapArrays(map: DecisionMap): Readonly<Record<string, NamedArray>> {
  const { resolution, f, g, agree, fHat, gHat, projected } = map;
  const grids = { map_f: f, map_g: g, map_agree: agree, map_f_hat: fHat, map_g_hat: gHat };
  const shape = [resolution, resolution];
  const named = Object.entries(grids).map(([name, data]) => [name, { shape, data }]);
  return { ...Object.fromEntries(named), map_projected: { shape: [projected.length / 2, 2], data: projected } };
}
