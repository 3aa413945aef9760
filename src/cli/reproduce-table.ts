// The tables of `perturb reproduce`: what there is, and what became of it.

import Table from 'cli-table3';
import { seconds } from '../report/format';
import { axisKey, neededData } from '../reproduce/cells';
import { BEST } from '../reproduce/document';
import { FIGURES, MAPS, MAPS_ID } from '../reproduce/published';
import { SCALE_NOTE, type Scale, type Seeds, seedsText } from '../reproduce/scale';
import { NEAR, type Verdict } from '../reproduce/verdict';
import type { TaskSummary } from './reproduce-write';

const PLAIN_STYLE = { head: [], border: [] };

/** Every figure and panel, and how to ask for one. */
export function figureList(width: number): string {
  const table = new Table({ head: ['figure', 'panel', 'shows', 'needs'], style: PLAIN_STYLE });
  for (const { id, panels } of FIGURES) {
    for (const [at, panel] of panels.entries()) {
      const points = panel.vary[axisKey(panel)]!.length;
      table.push([at === 0 ? id : '', at + 1, `${panel.xLabel}, ${points} points`, neededData(panel) ?? '']);
    }
  }
  for (const [at, map] of MAPS.entries()) {
    table.push([at === 0 ? MAPS_ID : '', at + 1, `decision map, ${map.title}`, neededData(map) ?? '']);
  }
  const wide = Math.min(width, 100);
  const how =
    'perturb reproduce FIGURE --scale small takes minutes on a CPU adapter; --scale paper is the published setting.';
  return `${table.toString()}\n${how.length > wide ? how.replace('; ', ';\n') : how}`;
}

const share = (part: number, whole: number) => (whole === 0 ? 'none' : `${((100 * part) / whole).toFixed(1)} %`);

/** Verdicts by panel, and over all of them. */
export function summaryTable(
  summaries: readonly TaskSummary[],
  { scale, seeds }: { readonly scale: Scale; readonly seeds: Seeds },
): string {
  const table = new Table({
    head: ['figure', 'panel', '', 'inside', 'near', 'outside', 'uncertain', 'time'],
    colAligns: ['left', 'right', 'left', 'right', 'right', 'right', 'right', 'right'],
    style: PLAIN_STYLE,
  });
  const total: Record<Verdict, number> = { inside: 0, near: 0, outside: 0, uncertain: 0 };
  for (const { figure, panel, title, verdicts, seconds: time, finished, cells } of summaries) {
    for (const name of Object.keys(total) as Verdict[]) total[name] += verdicts[name];
    const part = finished < cells ? ` (${finished} of ${cells} done)` : '';
    const { inside, near, outside, uncertain } = verdicts;
    table.push([figure, panel, `${title}${part}`, inside, near, outside, uncertain, seconds(time)]);
  }
  const certain = total.inside + total.near + total.outside;
  const close = summaries.reduce((sum, each) => sum + each.close, 0);
  const agreeing = total.inside + total.near;
  const diverged = summaries.reduce((sum, each) => sum + each.diverged, 0);
  // Maps were published for one pair of learning rates.
  const maps = summaries.filter(({ figure }) => figure === MAPS_ID).length;
  const best = maps === summaries.length ? '' : `, ${BEST} in both${maps > 0 ? ' but for maps' : ''}`;
  return [
    table.toString(),
    `Published points beside ${seedsText(seeds)}${best}; ${scale} scale: ${SCALE_NOTE[scale]}.`,
    'inside: in the 95 % prediction interval of a single seed; near: else within ' +
      `${NEAR} of our mean (0.15 for zero lines of maps); uncertain: not readable with confidence.`,
    `${agreeing} of ${certain} certain points are inside or near (${share(agreeing, certain)}); ${close} (${share(close, certain)}) are near our mean, whatever the interval.`,
    ...(diverged > 0
      ? [`${diverged} experiments diverged; they have no metrics and are in none of these numbers.`]
      : []),
  ].join('\n');
}
