// index.html of a reproduction, from the documents that lie in its directory: those of this run and of earlier ones alike.

import * as v from 'valibot';
import type { OverviewFigure, OverviewPanel } from '../reproduce/overview';
import { FIGURES, MAPS, MAPS_ID } from '../reproduce/published';
import type { Scale, Seeds } from '../reproduce/scale';
import type { CellDirectory } from './cell-store';
import { firstPicture } from './reproduce-tasks';

export const OVERVIEW = 'index.html';

/** What the overview takes from panel-N.json and map-N.json, which may be of any version, or of anybody. */
const panelDocument = v.object({
  scale: v.string(),
  seeds: v.union([v.number(), v.string()]),
  title: v.string(),
  /** Of a panel; a map has none. */
  xLabel: v.exactOptional(v.string()),
  verdicts: v.object({ inside: v.number(), near: v.number(), outside: v.number(), uncertain: v.number() }),
  finished: v.number(),
  cells: v.number(),
});

export interface OverviewRun {
  readonly scale: Scale;
  readonly seeds: Seeds;
  /** What gives all of it again. */
  readonly command: string;
  /** Told of each panel that is left out because its document is none. */
  readonly warn: (text: string) => void;
}

/** Writes the page over all panels of the same scale and seeds. */
export async function writeOverview(store: CellDirectory, run: OverviewRun): Promise<void> {
  const { scale, seeds, command } = run;
  const figures: OverviewFigure[] = [];
  const published = [...FIGURES, { id: MAPS_ID, title: 'Decision maps', panels: MAPS }];
  for (const { id, title, panels: all } of published) {
    const panels: OverviewPanel[] = [];
    for (const number of all.keys()) panels.push(...(await panelOf(store, run, id, number + 1)));
    figures.push({ title, href: `${id}/report.html`, published: all.length, panels });
  }
  const { overviewPage } = await import('../reproduce/overview');
  await store.write('.', OVERVIEW, overviewPage({ scale, seeds, command, figures }));
}

/** None where there is no document, or it is of another scale or other seeds, or damaged. */
async function panelOf(
  store: CellDirectory,
  { scale, seeds, warn }: OverviewRun,
  figure: string,
  panel: number,
): Promise<OverviewPanel[]> {
  const name = `${figure === MAPS_ID ? 'map' : 'panel'}-${panel}`;
  const text = await store.read(figure, `${name}.json`);
  if (text === undefined) return [];
  const document = readDocument(text);
  if (!document) {
    warn(`${figure}/${name}.json is not that of a reproduced panel: ${OVERVIEW} leaves it out`);
    return [];
  }
  if (document.scale !== scale || document.seeds !== seeds) return [];
  const { verdicts, finished, cells, xLabel: title = document.title } = document;
  const svg =
    figure === MAPS_ID ? (await firstPicture({ panel, seeds }, store)).svg : await store.read(figure, `${name}.svg`);
  return [{ panel, title, verdicts, finished, cells, ...(svg === undefined ? {} : { svg }) }];
}

function readDocument(text: string): v.InferOutput<typeof panelDocument> | undefined {
  try {
    const parsed = v.safeParse(panelDocument, JSON.parse(text));
    return parsed.success ? parsed.output : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
