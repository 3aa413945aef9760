// What there is to reproduce: panels of curves and decision maps, chosen by name; and what is written of each.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'csv-stringify/sync';
import { InputError } from '../data/input-error';
import { encodeNpz } from '../data/npz';
import { toJson } from '../experiment/artifacts';
import { mapArrays } from '../experiment/map-arrays';
import type { ExperimentResult } from '../experiment/types';
import { type Cell, mapCells, neededData, type PanelPoint, panelPoints } from '../reproduce/cells';
import { panelDocument, panelRows } from '../reproduce/document';
import { panelPlot } from '../reproduce/figure';
import { compareMaps, LINE_READING, LINES, readMap } from '../reproduce/maps';
import {
  FIGURE_IDS,
  FIGURES,
  MAPS,
  MAPS_ID,
  type PublishedFigure,
  type PublishedMap,
  type PublishedPanel,
} from '../reproduce/published';
import type { CellOutcome, MapReading } from '../reproduce/run';
import { MAP_RESOLUTION, SCALE_NOTE, type Scale } from '../reproduce/scale';
import { countClose, countVerdicts, panelCurves, type Verdict } from '../reproduce/verdict';
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

export interface TaskSummary {
  readonly figure: string;
  readonly panel: number;
  readonly title: string;
  readonly verdicts: Readonly<Record<Verdict, number>>;
  /** Certain points close to our mean, whatever the interval. */
  readonly close: number;
  /** Device time of the cells behind it; cells that several panels share count in each. */
  readonly seconds: number;
  readonly finished: number;
  readonly cells: number;
  /** Experiments behind it that diverged, and have no metrics. */
  readonly diverged: number;
}

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
    const directory = join(store.directory, MAPS_ID, `map-${task.number}-seed-${seed}`);
    await rm(directory, { recursive: true, force: true });
    const { mapSvg } = await import('../report/map');
    await writeResult(directory, [
      { name: 'map.npz', bytes: encodeNpz(mapArrays(map)) },
      { name: 'map.svg', bytes: new TextEncoder().encode(mapSvg(map, { title: `${task.map.title}, seed ${seed}` })) },
    ]);
    return readMap(task.map, map);
  };
}

interface WriteOptions {
  readonly scale: Scale;
  readonly seeds: number;
  readonly store: CellDirectory;
}

/** Writes what a task has come to; undefined, and nothing, when none of its cells is finished. */
export async function writeTask(
  task: Task,
  outcomes: ReadonlyMap<string, CellOutcome>,
  options: WriteOptions,
): Promise<TaskSummary | undefined> {
  const done = task.cells.flatMap(({ id }) => outcomes.get(id) ?? []);
  if (done.length === 0) return undefined;
  const counts = {
    panel: task.number,
    seconds: done.reduce((sum, { seconds }) => sum + seconds, 0),
    finished: done.length,
    cells: task.cells.length,
    diverged: done.reduce((sum, { diverged = [] }) => sum + diverged.length, 0),
  };
  const devices = [...new Set(done.flatMap(({ device }) => device ?? []))];
  const written =
    task.kind === 'map' ? writeMap(task, done, devices, options) : writePanel(task, outcomes, devices, options);
  return { ...(await written), ...counts };
}

type Written = Pick<TaskSummary, 'figure' | 'title' | 'verdicts' | 'close'>;

async function writePanel(
  { figure, panel, number, points }: PanelTask,
  outcomes: ReadonlyMap<string, CellOutcome>,
  devices: readonly string[],
  { scale, seeds, store }: WriteOptions,
): Promise<Written> {
  const metrics = new Map([...outcomes].map(([id, outcome]) => [id, outcome.metrics]));
  const curves = panelCurves(panel, points, metrics);
  const document = panelDocument(figure, panel, curves, { scale, seeds, devices });
  await store.write(figure.id, `panel-${number}.json`, toJson(document));
  await store.write(figure.id, `panel-${number}.csv`, stringify(panelRows(document)));
  // Plot and its document are loaded for those who draw.
  const { panelSvg } = await import('../report/panel');
  await store.write(figure.id, `panel-${number}.svg`, panelSvg(panelPlot(document)));
  const close = countClose(curves.flatMap(({ published }) => published));
  return { figure: figure.id, title: panel.xLabel, verdicts: document.verdicts, close };
}

async function writeMap(
  { map, number }: MapTask,
  done: readonly CellOutcome[],
  devices: readonly string[],
  { scale, seeds, store }: WriteOptions,
): Promise<Written> {
  const comparison = compareMaps(
    map,
    done.flatMap((outcome) => outcome.map ?? []),
  );
  const points = LINES.flatMap((line) => comparison.lines[line]);
  const verdicts = countVerdicts(points);
  const close = points.filter(({ ours, published }) => ours && Math.abs(published - ours.mean) <= LINE_READING).length;
  const head = { figure: MAPS_ID, panel: number, title: map.title, scale, setting: SCALE_NOTE[scale], seeds, devices };
  await store.write(MAPS_ID, `map-${number}.json`, toJson({ ...head, verdicts, ...comparison }));
  return { figure: MAPS_ID, title: map.title, verdicts, close };
}
