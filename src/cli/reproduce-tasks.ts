// What there is to reproduce: panels of curves and decision maps, chosen by name; and what is kept of a map.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../data/input-error';
import { encodeNpz } from '../data/npz';
import { mapArrays } from '../experiment/map-arrays';
import type { ExperimentResult } from '../experiment/types';
import { type Cell, mapCells, neededData, type PanelPoint, panelPoints } from '../reproduce/cells';
import { readMap } from '../reproduce/maps';
import {
  FIGURE_IDS,
  FIGURES,
  MAPS,
  MAPS_ID,
  type PublishedFigure,
  type PublishedMap,
  type PublishedPanel,
} from '../reproduce/published';
import type { MapReading } from '../reproduce/run';
import { MAP_RESOLUTION, type Scale } from '../reproduce/scale';
import type { CellDirectory } from './cell-store';
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
  readonly seeds: number;
  /** Where the files of each data set are. */
  readonly folders: Readonly<Record<'mnist' | 'fashion-mnist', string | undefined>>;
}

/** A panel that cannot run without files that were not named. */
export interface LeftOut {
  readonly name: string;
  readonly needs: string;
}

/**
 * The tasks of a figure, or of all.
 * @throws InputError for a figure or panel that is not there, and when nothing is left without the files of a data set
 */
export async function chooseTasks(choice: Choice): Promise<{ tasks: Task[]; left: LeftOut[] }> {
  const { figure, panel, scale, seeds, folders } = choice;
  if (figure !== 'all' && !FIGURE_IDS.includes(figure)) {
    throw new InputError(`there is no figure ${figure}`, {
      key: 'figure',
      remedy: `Choose one of ${FIGURE_IDS.join(', ')}, or all.`,
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
      if (needs && dataDir === undefined) {
        left.push({ name: `${id} ${at + 1}`, needs });
        continue;
      }
      const options = { scale, seeds, dataDir };
      tasks.push('vary' in each ? await panelTask(id, each, at + 1, options) : await mapTask(each, at + 1, options));
    }
  }
  if (tasks.length === 0) {
    const [first] = left;
    throw new InputError(`${first!.name} needs the files of ${first!.needs}`, {
      key: '--data-dir',
      remedy: `Fetch them with perturb fetch ${first!.needs}, and name the folder: --data-dir data/${first!.needs}.`,
    });
  }
  return { tasks, left };
}

interface TaskOptions {
  readonly scale: Scale;
  readonly seeds: number;
  readonly dataDir: string | undefined;
}

async function panelTask(id: string, panel: PublishedPanel, number: number, options: TaskOptions): Promise<PanelTask> {
  const figure = FIGURES.find((each) => each.id === id)!;
  const points = await panelPoints(panel, options);
  return { kind: 'panel', figure, panel, number, points, cells: points.flatMap(({ cells }) => cells) };
}

async function mapTask(map: PublishedMap, number: number, options: TaskOptions): Promise<MapTask> {
  const cells = await mapCells(map, { ...options, resolution: MAP_RESOLUTION[options.scale] });
  return { kind: 'map', map, number, cells };
}

/** The picture of a map, in {@link mapFolder}. */
export const MAP_SVG = 'map.svg';

/** Where the grids and the picture of a map are, in the folder of the maps. */
export const mapFolder = (number: number, seed: number): string => `map-${number}-seed-${seed}`;

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
    const directory = join(store.directory, MAPS_ID, mapFolder(task.number, seed));
    await rm(directory, { recursive: true, force: true });
    const { mapSvg } = await import('../report/map');
    const svg = mapSvg(map, { title: `${task.map.title}, seed ${seed}`, published: task.map.zeroLines });
    await writeResult(directory, [
      { name: 'map.npz', bytes: encodeNpz(mapArrays(map)) },
      { name: MAP_SVG, bytes: new TextEncoder().encode(svg) },
    ]);
    return readMap(task.map, map);
  };
}
