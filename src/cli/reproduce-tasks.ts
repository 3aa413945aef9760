// What there is to reproduce: panels of curves and decision maps, chosen by name; and what is kept of a map.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../data/input-error';
import { encodeNpz } from '../data/npz';
import { mapArrays } from '../experiment/map-arrays';
import type { ExperimentResult } from '../experiment/types';
import { type Cell, mapCells, neededData, type PanelPoint, panelPoints, seedList } from '../reproduce/cells';
import { type ReproducedMap, readMap } from '../reproduce/maps';
import {
  FIGURE_IDS,
  FIGURES,
  MAPS,
  MAPS_ID,
  type PublishedFigure,
  type PublishedMap,
  type PublishedPanel,
} from '../reproduce/published';
import { hasPublishedNumbers } from '../reproduce/published-numbers';
import type { MapReading } from '../reproduce/run';
import { MAP_RESOLUTION, type Scale, type Seeds } from '../reproduce/scale';
import type { CellDirectory } from './cell-store';
import { oneOf } from './one-of';
import { writeResult } from './store';

interface PanelTask {
  readonly kind: 'panel';
  readonly figure: PublishedFigure;
  readonly panel: PublishedPanel;
  readonly number: number;
  readonly points: readonly PanelPoint[];
  readonly cells: readonly Cell[];
}

interface MapTask {
  readonly kind: 'map';
  readonly seeds: Seeds;
  readonly map: PublishedMap;
  readonly number: number;
  readonly cells: readonly Cell[];
}

export type Task = PanelTask | MapTask;

export interface Choice {
  readonly figure: string;
  /** Counted from 1; undefined for all. */
  readonly panel: number | undefined;
  readonly scale: Scale;
  readonly seeds: Seeds;
  /** Where the files of each data set are. */
  readonly folders: Readonly<Record<'mnist' | 'fashion-mnist', string | undefined>>;
}

/** A panel that cannot run as it was asked for, and what keeps it from that. */
export interface LeftOut {
  readonly name: string;
  readonly obstacle: Obstacle;
}

interface Obstacle {
  /** Goes on from "FIGURE PANEL". */
  readonly message: string;
  readonly key: string;
  readonly remedy: string;
}

const NO_NUMBERS: Obstacle = {
  message: 'has samples that the authors drew on a GPU, so their numbers depend on its size',
  key: '--seeds',
  remedy: 'Give a number of seeds; published is for figures on MNIST and Fashion-MNIST.',
};

const noFiles = (needs: string): Obstacle => ({
  message: `needs the files of ${needs}`,
  key: '--data-dir',
  remedy: `Fetch them with perturb fetch ${needs}, and name the folder: --data-dir data/${needs}.`,
});

/**
 * The tasks of a figure, or of all.
 * @throws InputError for a figure or panel that is not there, and when nothing is left that can run
 */
export async function chooseTasks(choice: Choice): Promise<{ tasks: Task[]; left: LeftOut[] }> {
  const { figure, panel, scale, seeds, folders } = choice;
  if (figure !== 'all' && !FIGURE_IDS.includes(figure)) {
    throw new InputError(`there is no figure "${figure}"`, {
      key: 'figure',
      remedy: oneOf(figure, [...FIGURE_IDS, 'all']),
    });
  }
  const wanted = figure === 'all' ? FIGURE_IDS : [figure];
  const tasks: Task[] = [];
  const left: LeftOut[] = [];
  for (const id of wanted) {
    const panels: readonly (PublishedPanel | PublishedMap)[] =
      id === MAPS_ID ? MAPS : FIGURES.find((each) => each.id === id)!.panels;
    if (panel !== undefined && panel > panels.length) {
      throw new InputError(`${id} has ${panels.length} panels, not ${panel}`, {
        key: '--panel',
        remedy: `Choose a panel from 1 to ${panels.length}; perturb reproduce lists them.`,
      });
    }
    for (const [at, each] of panels.entries()) {
      if (panel !== undefined && at + 1 !== panel) continue;
      const needs = neededData(each);
      const dataDir = needs && folders[needs];
      const unnumbered = seeds === 'published' && !hasPublishedNumbers(each.set['data.kind']);
      if (unnumbered || (needs && dataDir === undefined)) {
        left.push({ name: `${id} ${at + 1}`, obstacle: unnumbered ? NO_NUMBERS : noFiles(needs!) });
        continue;
      }
      const options = { scale, seeds, dataDir };
      tasks.push('vary' in each ? await panelTask(id, each, at + 1, options) : await mapTask(each, at + 1, options));
    }
  }
  if (tasks.length === 0) {
    const { name, obstacle } = left[0]!;
    const { message, ...where } = obstacle;
    throw new InputError(`${name} ${message}`, where);
  }
  return { tasks, left };
}

interface TaskOptions {
  readonly scale: Scale;
  readonly seeds: Seeds;
  readonly dataDir: string | undefined;
}

async function panelTask(id: string, panel: PublishedPanel, number: number, options: TaskOptions): Promise<PanelTask> {
  const figure = FIGURES.find((each) => each.id === id)!;
  const points = await panelPoints(panel, options);
  return { kind: 'panel', figure, panel, number, points, cells: points.flatMap(({ cells }) => cells) };
}

async function mapTask(map: PublishedMap, number: number, options: TaskOptions): Promise<MapTask> {
  const cells = await mapCells(map, { ...options, resolution: MAP_RESOLUTION[options.scale] });
  return { kind: 'map', seeds: options.seeds, map, number, cells };
}

/** The picture of a map, in {@link mapFolder}. */
const MAP_SVG = 'map.svg';

/** Where the grids and the picture of a map are, in the folder of the maps. */
const mapFolder = (number: number, seed: number, seeds: Seeds): string =>
  `map-${number}-${seeds === 'published' ? 'published' : `seed-${seed}`}`;

/** Reads the maps of cells that have one, and keeps their grids and pictures; undefined when no task is a map. */
export function mapReader(
  tasks: readonly Task[],
  store: CellDirectory,
): ((cell: Cell, result: ExperimentResult) => Promise<MapReading | undefined>) | undefined {
  const maps = tasks.filter((task) => task.kind === 'map');
  if (maps.length === 0) return undefined;
  return async ({ id, seed }, { map }) => {
    const task = maps.find(({ cells }) => cells.some((cell) => cell.id === id));
    if (!task || !map) return undefined;
    const directory = join(store.directory, MAPS_ID, mapFolder(task.number, seed, task.seeds));
    await rm(directory, { recursive: true, force: true });
    const { mapSvg } = await import('../report/map');
    const svg = mapSvg(map, {
      title: `${task.map.title}, ${task.seeds === 'published' ? 'published seed' : 'seed'} ${seed}`,
      published: task.map.zeroLines,
    });
    await writeResult(directory, [
      { name: 'map.npz', bytes: encodeNpz(mapArrays(map)) },
      { name: MAP_SVG, bytes: new TextEncoder().encode(svg) },
    ]);
    return readMap(task.map, map);
  };
}

/** The picture of a map, of the first seed that has one; the others are beside it. */
export async function firstPicture({ panel, seeds }: Pick<ReproducedMap, 'panel' | 'seeds'>, store: CellDirectory) {
  for (const seed of seedList(seeds, MAPS[panel - 1]!)) {
    const svg = await store.read(MAPS_ID, mapFolder(panel, seed, seeds), MAP_SVG);
    if (svg !== undefined) return { svg, seed };
  }
  return { svg: undefined, seed: 0 };
}
