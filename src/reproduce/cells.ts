// From a published panel to the experiments that reproduce it. A cell is one point of a panel with one seed: an experiment
// for each pair of learning rates, of which the paper plots the best.

import { parseConfig } from '../experiment/config';
import { contentHash } from '../experiment/plan';
import type { ExperimentConfig } from '../experiment/types';
import type { PublishedMap, PublishedPanel, Settings } from './published';
import { fromPublishedNumbers, PUBLISHED_DRAWS } from './published-numbers';
import { atScale, type Scale, type Seeds } from './scale';

/** An experiment of a cell, and the learning rates of f and g in it. */
export interface GridRun {
  readonly standardLr: number;
  readonly learningLr: number;
  readonly config: ExperimentConfig;
}

export interface Cell {
  /** Content hash of the configurations: the name under which the cell's outcome is kept. */
  readonly id: string;
  readonly seed: number;
  readonly runs: readonly GridRun[];
}

/** A point of a panel. */
export interface PanelPoint {
  /** Place among the published points. */
  readonly index: number;
  readonly x: number;
  /** One for each seed. */
  readonly cells: readonly Cell[];
}

export interface CellOptions {
  readonly scale: Scale;
  readonly seeds: Seeds;
  /** The folder of the files of MNIST or Fashion-MNIST. */
  readonly dataDir?: string | undefined;
}

/** The file data set that a panel needs, or undefined. */
export function neededData({ set }: { readonly set: Settings }): 'mnist' | 'fashion-mnist' | undefined {
  const kind = set['data.kind'];
  return kind === 'mnist' || kind === 'fashion-mnist' ? kind : undefined;
}

/** What a panel's curves are plotted over: of keys that vary in step the one that is not the perturbation's size. */
export function axisKey({ vary }: Pick<PublishedPanel, 'vary'>): string {
  const keys = Object.keys(vary);
  return keys.find((key) => key !== 'perturbation.size') ?? keys[0]!;
}

/**
 * The learning rates of the plain curve, without a maximum: those an experiment has by default (1) where the grid has them,
 * else the largest of the grid.
 */
export function plainRate(rates: readonly number[]): number {
  return rates.includes(1) ? 1 : Math.max(...rates);
}

/** A configuration document from dotted keys. */
function nested(settings: Settings): Record<string, unknown> {
  const document: Record<string, Record<string, unknown> | unknown> = {};
  for (const [key, value] of Object.entries(settings)) {
    const [section, name] = key.split('.') as [string, string | undefined];
    if (name === undefined) document[section] = value;
    else document[section] = { ...(document[section] as object), [name]: value };
  }
  return document;
}

/** The configuration with the random numbers that are asked for. */
const numbered = (config: ExperimentConfig, seeds: Seeds): ExperimentConfig =>
  seeds === 'published' ? fromPublishedNumbers(config) : config;

async function makeCell(seed: number, runs: readonly GridRun[]): Promise<Cell> {
  return { id: await contentHash(runs.map(({ config }) => config)), seed, runs };
}

/** The seeds that are run of a panel. */
export const seedList = (seeds: Seeds, { publishedSeed }: { readonly publishedSeed: number }): number[] =>
  seeds === 'published' ? [publishedSeed] : Array.from({ length: seeds }, (_, seed) => seed);

/** The points of a panel that are computed at this scale. */
export async function panelPoints(panel: PublishedPanel, options: CellOptions): Promise<PanelPoint[]> {
  const { scale, seeds, dataDir } = options;
  const axis = panel.vary[axisKey(panel)]!;
  // f and its perturbations are all that the cosine is about: g stays untrained, and its learning rates mean nothing.
  const cosineOnly = panel.published.perturbationAccuracy === undefined && panel.published.cosine !== undefined;
  const { standard, learning } = panel.learningRates;
  const points = atScale(scale, panel).map(async ({ index, set }) => {
    const cells = seedList(seeds, panel).map((seed) => {
      const settings: Settings = {
        ...set,
        seed,
        ...(dataDir !== undefined && neededData(panel) ? { 'data.dir': dataDir } : {}),
        ...(cosineOnly ? { 'learning.epochs': 0, 'theory.cosine': true } : {}),
      };
      const rates = standard.flatMap((standardLr) =>
        (cosineOnly ? [plainRate(learning)] : learning).map((learningLr) => ({ standardLr, learningLr })),
      );
      const runs = rates.map((rate) => {
        const document = nested({ ...settings, 'standard.lr': rate.standardLr, 'learning.lr': rate.learningLr });
        return { ...rate, config: numbered(parseConfig(document), seeds) };
      });
      return makeCell(seed, runs);
    });
    return { index, x: axis[index]!, cells: await Promise.all(cells) };
  });
  return Promise.all(points);
}

/** The cells of a decision map, one a seed. Maps were published for one pair of learning rates. */
export async function mapCells(map: PublishedMap, options: CellOptions & { resolution: number }): Promise<Cell[]> {
  const { scale, seeds, dataDir, resolution } = options;
  const { set } = atScale(scale, { set: map.set, vary: {} })[0]!;
  const theory = { map: { resolution, limits: [...map.limits] }, phi: { draws: PUBLISHED_DRAWS } };
  return Promise.all(
    seedList(seeds, map).map((seed) => {
      const document = nested({
        ...set,
        seed,
        ...(dataDir !== undefined && neededData(map) ? { 'data.dir': dataDir } : {}),
      });
      const config = numbered(parseConfig({ ...document, theory }), seeds);
      const { lr: standardLr } = config.standard;
      return makeCell(seed, [{ standardLr, learningLr: config.learning.lr, config }]);
    }),
  );
}
