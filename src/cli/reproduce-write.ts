// What a reproduction comes to, of the cells that are finished: a document, a table and a figure a panel, a report a figure.

import { stringify } from 'csv-stringify/sync';
import { toJson } from '../experiment/artifacts';
import { panelDocument, panelRows, type ReproducedPanel } from '../reproduce/document';
import { panelPlot } from '../reproduce/figure';
import { countCloseLines, mapDocument, type ReproducedMap } from '../reproduce/maps';
import { originOf } from '../reproduce/origin';
import { FIGURES, MAPS_ID } from '../reproduce/published';
import type { CellOutcome } from '../reproduce/run';
import type { Scale, Seeds } from '../reproduce/scale';
import { countClose, panelCurves, type Verdict } from '../reproduce/verdict';
import type { CellDirectory } from './cell-store';
import { writeOverview } from './reproduce-overview';
import { firstPicture, type Task } from './reproduce-tasks';

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

type Reproduced = ReproducedPanel | ReproducedMap;

interface WriteOptions {
  readonly store: CellDirectory;
  readonly scale: Scale;
  readonly setting: string;
  readonly seeds: Seeds;
  /** Every panel of the figures that the tasks are of: reports have those that earlier runs finished, too. */
  readonly figureTasks: readonly Task[];
  /** What gives the figure again. */
  readonly commandOf: (figure: string) => string;
  /** Told of what could not be used, and is left out. */
  readonly warn: (text: string) => void;
}

/** Writes what the tasks have come to, as far as their cells are in the store. */
export async function writeReproduction(
  tasks: readonly Task[],
  options: WriteOptions,
): Promise<{ readonly panels: TaskSummary[]; readonly finished: number }> {
  const { store, scale, setting, seeds, figureTasks, commandOf } = options;
  const outcomes = await loadAll([...tasks, ...figureTasks], store);
  const documents = tasks.flatMap((task) => documentOf(task, outcomes, options) ?? []);
  for (const document of documents) await writeDocument(document, store);
  const panels = documents.map(summaryOf);
  if (panels.length > 0) await store.write('.', 'summary.json', toJson({ scale, setting, seeds, panels }));
  const chosen = new Set(documents.map(nameOf));
  // Panels share cells: a few do not mean that one was asked for.
  const others = figureTasks
    .flatMap((task) => documentOf(task, outcomes, options) ?? [])
    .filter((document) => !chosen.has(nameOf(document)) && document.finished === document.cells);
  const all = [...documents, ...others].sort((a, b) => a.panel - b.panel);
  for (const figure of new Set(documents.map((document) => document.figure))) {
    await writeReport(
      figure,
      all.filter((document) => document.figure === figure),
      tasks.filter((task) => figureOf(task) === figure && !chosen.has(`${figure} ${task.number}`)),
      options,
    );
  }
  if (panels.length > 0) await writeOverview(store, { scale, seeds, command: commandOf('all'), warn: options.warn });
  const finished = new Set(tasks.flatMap(({ cells }) => cells.map(({ id }) => id)).filter((id) => outcomes.has(id)));
  return { panels, finished: finished.size };
}

const nameOf = ({ figure, panel }: Reproduced) => `${figure} ${panel}`;

const figureOf = (task: Task): string => (task.kind === 'map' ? MAPS_ID : task.figure.id);

async function loadAll(tasks: readonly Task[], store: CellDirectory): Promise<Map<string, CellOutcome>> {
  const outcomes = new Map<string, CellOutcome>();
  for (const id of new Set(tasks.flatMap(({ cells }) => cells.map((cell) => cell.id)))) {
    const outcome = await store.load(id);
    if (outcome) outcomes.set(id, outcome);
  }
  return outcomes;
}

/** Undefined when no cell of the task is finished. */
function documentOf(
  task: Task,
  outcomes: ReadonlyMap<string, CellOutcome>,
  run: { readonly scale: Scale; readonly seeds: Seeds },
): Reproduced | undefined {
  const done = task.cells.flatMap(({ id }) => outcomes.get(id) ?? []);
  if (done.length === 0) return undefined;
  const origin = originOf(task.cells, outcomes, run);
  if (task.kind === 'map') {
    const readings = done.flatMap(({ map }) => map ?? []);
    return mapDocument(task.map, readings, origin);
  }
  const metrics = new Map([...outcomes].map(([id, outcome]) => [id, outcome.metrics]));
  return panelDocument(task.figure, task.panel, panelCurves(task.panel, task.points, metrics), origin);
}

async function writeDocument(document: Reproduced, store: CellDirectory): Promise<void> {
  const { figure, panel } = document;
  if (!('metrics' in document)) return store.write(figure, `map-${panel}.json`, toJson(document));
  await store.write(figure, `panel-${panel}.json`, toJson(document));
  await store.write(figure, `panel-${panel}.csv`, stringify(panelRows(document)));
  // Plot and its document are loaded for those who draw.
  const { panelSvg } = await import('../report/panel');
  await store.write(figure, `panel-${panel}.svg`, panelSvg(panelPlot(document)));
}

async function writeReport(
  figure: string,
  documents: readonly Reproduced[],
  waiting: readonly Task[],
  { store, commandOf }: WriteOptions,
): Promise<void> {
  const { mapsReport, panelsReport } = await import('../reproduce/report');
  const command = commandOf(figure);
  const notBegun = waiting.map(({ number }) => number);
  if (figure !== MAPS_ID) {
    const { title } = FIGURES.find(({ id }) => id === figure)!;
    const panels = documents.filter((document) => 'metrics' in document);
    await store.write(figure, 'report.html', panelsReport({ title, panels, notBegun, command }));
    return;
  }
  const maps: { readonly map: ReproducedMap; readonly svg: string | undefined; readonly seed: number }[] = [];
  for (const map of documents.filter((document) => 'lines' in document)) {
    maps.push({ map, ...(await firstPicture(map, store)) });
  }
  await store.write(figure, 'report.html', mapsReport({ maps, notBegun, command }));
}

function summaryOf(document: Reproduced): TaskSummary {
  const { figure, panel, title, verdicts, seconds, finished, cells, diverged } = document;
  const counts = { panel, verdicts, seconds, finished, cells, diverged };
  if ('metrics' in document) {
    const close = countClose(document.metrics.flatMap(({ published }) => published));
    return { figure, title: document.xLabel, close, ...counts };
  }
  return { figure, title, close: countCloseLines(document), ...counts };
}
