// index.html of a reproduction, from the documents that lie in its directory: those of this run and of earlier ones alike.

import type { ReproducedPanel } from '../reproduce/document';
import type { ReproducedMap } from '../reproduce/maps';
import type { OverviewFigure, OverviewPanel } from '../reproduce/overview';
import { FIGURES, MAPS, MAPS_ID } from '../reproduce/published';
import type { Scale, Seeds } from '../reproduce/scale';
import type { CellDirectory } from './cell-store';
import { firstPicture } from './reproduce-tasks';

export const OVERVIEW = 'index.html';

export interface OverviewRun {
  readonly scale: Scale;
  readonly seeds: Seeds;
  /** What gives all of it again. */
  readonly command: string;
}

/** Writes the page over all panels of the same scale and seeds. */
export async function writeOverview(store: CellDirectory, run: OverviewRun): Promise<void> {
  const figures: OverviewFigure[] = [];
  const published = [...FIGURES, { id: MAPS_ID, title: 'Decision maps', panels: MAPS }];
  for (const { id, title, panels: all } of published) {
    const panels: OverviewPanel[] = [];
    for (const number of all.keys()) panels.push(...(await panelOf(store, run, id, number + 1)));
    figures.push({ title, href: `${id}/report.html`, published: all.length, panels });
  }
  const { overviewPage } = await import('../reproduce/overview');
  await store.write('.', OVERVIEW, overviewPage({ ...run, figures }));
}

/** None where there is no document, or it is of another scale or other seeds. */
async function panelOf(
  store: CellDirectory,
  { scale, seeds }: OverviewRun,
  figure: string,
  panel: number,
): Promise<OverviewPanel[]> {
  const name = `${figure === MAPS_ID ? 'map' : 'panel'}-${panel}`;
  const text = await store.read(figure, `${name}.json`);
  if (text === undefined) return [];
  const document = JSON.parse(text) as ReproducedPanel | ReproducedMap;
  if (document.scale !== scale || document.seeds !== seeds) return [];
  const { verdicts, finished, cells } = document;
  const svg =
    'metrics' in document ? await store.read(figure, `${name}.svg`) : (await firstPicture(document, store)).svg;
  const title = 'metrics' in document ? document.xLabel : document.title;
  return [{ panel, title, verdicts, finished, cells, ...(svg === undefined ? {} : { svg }) }];
}
