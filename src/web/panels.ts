// The published panels as experiments. By itself, and loaded when it is asked for: the published values weigh more than the
// rest of the page's own code.

import { setAt } from '../experiment/config-sets';
import { plainRate } from '../reproduce/cells';
import { FIGURES, MAPS, type Metric, type PublishedPanel, type Settings } from '../reproduce/published';
import type { Draft } from './config-link';

/** What was read off a plot, and how far off the reading may be. */
export interface Published {
  readonly metric: Metric;
  readonly value: number;
  readonly halfWidth: number | undefined;
}

/** One point of a panel. */
export interface PanelPoint {
  readonly x: number;
  readonly document: Draft;
  readonly published: readonly Published[];
}

export interface Panel {
  readonly id: string;
  readonly label: string;
  readonly points: readonly PanelPoint[];
}

export interface PanelGroup {
  readonly title: string;
  readonly panels: readonly Panel[];
}

const SAVE = ['networks', 'perturbations'];
const METRICS: readonly Metric[] = ['standardAccuracy', 'perturbationAccuracy', 'agreement', 'cosine'];

function documentOf(settings: Settings, extra: Settings): Draft {
  const all = Object.entries({ ...settings, ...extra });
  const document = all.reduce<unknown>((inner, [key, value]) => setAt(inner, key, value, 'a preset'), { save: SAVE });
  return document as Draft;
}

/** Files of a data set are dropped on the page, so the folder has no meaning; the schema wants one. */
const folder = (settings: Settings): Settings =>
  settings['data.kind'] === 'mnist' || settings['data.kind'] === 'fashion-mnist'
    ? { 'data.dir': String(settings['data.kind']) }
    : {};

function pointOf(panel: PublishedPanel, at: number): PanelPoint {
  const varied = Object.fromEntries(Object.entries(panel.vary).map(([key, values]) => [key, values[at]!]));
  const keys = Object.keys(varied);
  const axis = keys.find((key) => key !== 'perturbation.size') ?? keys[0]!;
  const extra = {
    ...folder(panel.set),
    'standard.lr': plainRate(panel.learningRates.standard),
    'learning.lr': plainRate(panel.learningRates.learning),
    'theory.cosine': panel.published.cosine !== undefined,
  };
  const published = METRICS.flatMap((metric) => {
    const value = panel.published[metric]?.y[at];
    const halfWidth = panel.published[metric]?.halfWidth[at] ?? undefined;
    return value === undefined || value === null ? [] : [{ metric, value, halfWidth }];
  });
  return { x: varied[axis]!, document: documentOf({ ...panel.set, ...varied }, extra), published };
}

/** Every panel of the paper, by figure, and its decision maps. */
export const PANEL_GROUPS: readonly PanelGroup[] = [
  ...FIGURES.map(({ id, title, panels }) => ({
    title,
    panels: panels.map((panel, k) => ({
      id: `${id}-${k}`,
      label: panel.xLabel,
      points: Object.values(panel.vary)[0]!.map((_, at) => pointOf(panel, at)),
    })),
  })),
  {
    title: 'Decision maps',
    panels: MAPS.map(({ title, set, limits }, k) => ({
      id: `map-${k}`,
      label: title,
      points: [
        {
          x: 0,
          document: {
            ...documentOf(set, folder(set)),
            theory: { cosine: true, map: { resolution: 150, limits: [...limits] } },
          },
          published: [],
        },
      ],
    })),
  },
];
