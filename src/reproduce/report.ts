// The report of a reproduced figure: every panel beside the published points, a verdict on each, and how it was computed.

import { percent, seconds } from '../report/format';
import { valueText, withinShare } from '../report/metrics';
import {
  compactJson,
  details,
  facts,
  figures,
  type Html,
  page,
  paragraph,
  row,
  type Section,
  svgFigure,
  table,
  verbatim,
} from '../report/page';
import { panelSvg } from '../report/panel';
import { tick } from '../report/style';
import { distinct, pairs, usedFacts } from '../report/used';
import { BEST, METRIC_NAMES, PLAIN, type ReproducedPanel } from './document';
import { metricPlots } from './figure';
import { countCloseLines, LINE_READING, LINES, type LinePoint, type ReproducedMap } from './maps';
import type { Origin } from './origin';
import { PUBLISHED_DRAWS } from './published-numbers';
import { type Seeds, seedsText } from './scale';
import { countClose, NEAR, type SeedPoint, VERDICTS, type Verdict } from './verdict';

export interface PanelsReport {
  readonly title: string;
  /** At least one. */
  readonly panels: readonly ReproducedPanel[];
  /** Numbers of the panels asked for that have nothing finished. */
  readonly notBegun: readonly number[];
  /** What gives the figure again. */
  readonly command: string;
}

export interface MapsReport {
  /** With the picture of one seed, if it is there. At least one. */
  readonly maps: readonly { readonly map: ReproducedMap; readonly svg: string | undefined; readonly seed: number }[];
  /** As of {@link PanelsReport}. */
  readonly notBegun: readonly number[];
  readonly command: string;
}

type Verdicts = Readonly<Record<Verdict, number>>;

/** report.html of a figure of curves. */
export function panelsReport({ title, panels, notBegun, command }: PanelsReport): string {
  const origins = panels.map((panel) => ({
    ...panel,
    title: panel.xLabel,
    close: countClose(panel.metrics.flatMap(({ published }) => published)),
  }));
  return page({
    title: `Reproduction: ${title}`,
    lead: leadOf(origins, notBegun),
    sections: [
      verdictSection(
        origins,
        `near: else within ${NEAR} of our mean`,
        'Shown is what the paper shows: for each seed the maximum over the learning rates, each metric on its own. The band is the 95 % prediction interval of a single seed, because the published value is of a single seed. The dashed line is the mean at the default learning rates, without a maximum.',
      ),
      ...panels.map(panelSection),
      ...howSections(origins, command),
    ],
  });
}

/** report.html of the decision maps. */
export function mapsReport({ maps, notBegun, command }: MapsReport): string {
  const origins = maps.map(({ map }) => ({ ...map, close: countCloseLines(map) }));
  return page({
    title: 'Reproduction: decision maps',
    lead: leadOf(origins, notBegun),
    sections: [
      verdictSection(
        origins,
        `near: else within ${LINE_READING} of our mean`,
        `Compared is where the predicted outputs of f and g are zero: the published lines were read off at some x, and ours have a value for each seed there. The predicted lines are estimated from ${PUBLISHED_DRAWS} drawn neurons, as published.`,
      ),
      ...maps.map(mapSection),
      ...howSections(origins, command),
    ],
  });
}

interface Part extends Origin {
  readonly panel: number;
  /** Certain points near our mean, whatever the interval. */
  readonly close: number;
  readonly title: string;
  readonly verdicts: Verdicts;
}

/** As a sentence begins. */
export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function leadOf(parts: readonly Part[], notBegun: readonly number[]): string {
  const { setting, seeds, scale } = parts[0]!;
  const finished = parts.reduce((sum, each) => sum + each.finished, 0);
  const cells = parts.reduce((sum, each) => sum + each.cells, 0);
  const how = `${capital(seedsText(seeds))}, beside the published values; ${scale} scale: ${setting}.`;
  if (finished === cells && notBegun.length === 0) return how;
  const without = notBegun.length === 0 ? '' : `, and nothing of panel ${notBegun.join(', ')}`;
  return `${how} Unfinished: ${finished} of ${cells} points and seeds of the panels below are computed${without}; the command below goes on from there.`;
}

/** Published points that could be read with confidence; and those of them that ours agree with. */
export const certainOf = ({ inside, near, outside }: Verdicts) => inside + near + outside;

export const agreeingOf = ({ inside, near }: Verdicts) => inside + near;

export const percentOf = (part: number, whole: number) =>
  whole === 0 ? '–' : `${((100 * part) / whole).toFixed(1)} %`;

export const sumVerdicts = (all: readonly Verdicts[]): Verdicts =>
  Object.fromEntries(VERDICTS.map((name) => [name, all.reduce((sum, each) => sum + each[name], 0)])) as Verdicts;

/** The counts to be read from afar. One run a point has no interval to be inside of. */
export function verdictTiles(total: Verdicts, seeds: Seeds): Html {
  const certain = certainOf(total);
  const agreeing = agreeingOf(total);
  const single = seeds === 'published' || seeds === 1;
  const inside = {
    value: percentOf(total.inside, certain),
    name: 'inside',
    meaning: `${total.inside} are in the 95 % prediction interval of a single seed.`,
  };
  return figures([
    {
      value: percentOf(agreeing, certain),
      name: 'agree',
      meaning: `${agreeing} of ${certain} certain published points are ${single ? 'near ours' : 'inside our interval or near our mean'}.`,
    },
    ...(single ? [] : [inside]),
    {
      value: String(total.outside),
      name: 'outside',
      meaning: `${single ? 'Not near' : 'Neither inside nor near'}; listed under each panel.`,
    },
    {
      value: String(total.uncertain),
      name: 'uncertain',
      meaning: 'The published value could not be read off with confidence: no verdict.',
    },
  ]);
}

function verdictSection(parts: readonly Part[], near: string, meaning: string): Section {
  const total = sumVerdicts(parts.map(({ verdicts }) => verdicts));
  const certain = certainOf(total);
  const rows = parts.map(({ panel, title, verdicts, finished, cells, seconds: time }) => [
    panel,
    title,
    verdicts.inside,
    verdicts.near,
    verdicts.outside,
    verdicts.uncertain,
    finished === cells ? 'all' : `${finished} of ${cells}`,
    seconds(time),
  ]);
  const close = parts.reduce((sum, each) => sum + each.close, 0);
  return {
    title: 'Verdict',
    body: [
      verdictTiles(total, parts[0]!.seeds),
      paragraph(meaning),
      table(['panel', '', 'inside', 'near', 'outside', 'uncertain', 'computed', 'time'], rows),
      paragraph(
        `inside: in the 95 % prediction interval of a single seed; ${near}; uncertain: not readable with confidence.`,
      ),
      ...divergedNote(parts),
      paragraph(
        `${close} of the certain points (${percentOf(close, certain)}) are near our mean, whatever the interval: where single seeds differ much, the interval holds nearly every value.`,
      ),
    ],
  };
}

function divergedNote(parts: readonly Part[]): Html[] {
  const diverged = parts.reduce((sum, part) => sum + part.diverged, 0);
  const text = `${diverged} experiments diverged; they have no metrics and are in none of these numbers.`;
  return diverged > 0 ? [paragraph(text)] : [];
}

/** Three digits are what seeds differ in. */
const number = (value: number) => value.toFixed(3).replace('-', '−');

/** "0.980 (0.950 to 1.000)": mean and interval. */
function meanText(point: Pick<SeedPoint, 'mean' | 'prediction95'> | undefined): string {
  if (!point) return '–';
  const { mean, prediction95 } = point;
  return prediction95 ? `${number(mean)} (${prediction95.map(number).join(' to ')})` : number(mean);
}

function panelSection(panel: ReproducedPanel): Section {
  const rows = panel.metrics.flatMap(({ metric, best, plain, published }) =>
    best.map((point, at) => {
      const { y, halfWidth, verdict, note } = published[at]!;
      return {
        verdict,
        cells: [
          METRIC_NAMES[metric],
          tick(point.x),
          y === null ? 'below the axis' : `${tick(y)}${halfWidth === null ? '' : ` ± ${tick(halfWidth)}`}`,
          meanText(point),
          meanText(plain.find(({ x }) => x === point.x)),
          point.count,
          note === undefined ? verdict : `${verdict}: ${note}`,
        ],
      };
    }),
  );
  const head = ['metric', panel.xKey, 'published', `ours, ${BEST}`, `ours, ${PLAIN}`, 'seeds', 'verdict'];
  return {
    title: `Panel ${panel.panel}: ${panel.xLabel}`,
    body: [
      row(
        metricPlots(panel).map((plot) =>
          svgFigure(panelSvg(plot), `${plot.title} over ${plot.xLabel}: our curves and the published points`),
        ),
      ),
      ...pointTables(head, rows),
      settings(panel),
    ],
  };
}

interface Row {
  readonly verdict: Verdict;
  readonly cells: readonly (string | number)[];
}

/** What is outside in the open, everything on demand. */
function pointTables(head: readonly string[], rows: readonly Row[]): Html[] {
  const outside = rows.filter(({ verdict }) => verdict === 'outside').map(({ cells }) => cells);
  const all = details(`All ${rows.length} points`, [
    table(
      head,
      rows.map(({ cells }) => cells),
    ),
  ]);
  return outside.length === 0 ? [all] : [paragraph('Outside:'), table(head, outside), all];
}

function mapSection({ map, svg, seed }: MapsReport['maps'][number]): Section {
  const { disagreement, lines } = map;
  const { ours, publishedAtLeast } = disagreement;
  const one = ours.prediction95
    ? ` (a single seed ${ours.prediction95.map((end) => percent(withinShare(end))).join(' to ')})`
    : '';
  const caption = `Seed ${seed}; rings and diamonds are where the published lines were read off. f and g have different signs on ${percent(ours.mean)} of the area${ours.count > 1 ? `, the mean of ${ours.count} seeds` : ''}${one}; published: at least ${percent(publishedAtLeast)}, as samples hide some of it.`;
  const names = { fHat: 'predicted f = 0', gHat: 'predicted g = 0' } as const;
  const rows = LINES.flatMap((line) =>
    lines[line].map(({ x, ours: at, published, verdict }: LinePoint) => ({
      verdict,
      cells: [names[line], tick(x), tick(published), meanText(at ?? undefined), at?.count ?? 0, verdict],
    })),
  );
  const picture =
    svg === undefined
      ? [paragraph(`The picture is gone. ${caption}`)]
      : [svgFigure(svg, `Decision map of ${map.title}`, caption)];
  return {
    title: `Panel ${map.panel}: ${map.title}`,
    body: [...picture, ...pointTables(['line', 'x', 'published y', 'our y', 'seeds', 'verdict'], rows), settings(map)],
  };
}

function settings({ configuration, varied }: Origin): Html {
  const keys = Object.entries(varied).map(([key, values]): [string, string] => [key, values.map(valueText).join(', ')]);
  return details('Configuration', [
    ...(keys.length === 0
      ? []
      : [paragraph('Varied:'), facts(keys), paragraph('The first of these experiments, resolved:')]),
    verbatim(compactJson(configuration)),
  ]);
}

function howSections(parts: readonly Part[], command: string): Section[] {
  const devices = distinct(parts.flatMap((part) => part.devices));
  const versions = distinct(parts.flatMap((part) => part.versions));
  const time = parts.reduce((sum, part) => sum + part.seconds, 0);
  const count = parts.reduce((sum, part) => sum + part.finished, 0);
  const ran: [string, string][] = [
    ...usedFacts(distinct(parts.flatMap(({ trainers }) => trainers))),
    [
      'time',
      `${seconds(time)} for ${count} points and seeds, each with all its learning rates; what panels share counts in each`,
    ],
    [devices.length > 1 ? 'devices' : 'device', devices.join('\n')],
    ['versions', versions.map(pairs).join('\n')],
  ];
  return [
    {
      title: 'How the published values differ',
      body: [
        paragraph(
          `The published values are of one seed that the authors chose${parts[0]!.seeds === 'published' ? '' : ', of another random number generator'}, trained in half precision: at large d and a learning rate of 1 its outputs overflow, the loss becomes infinite and training stops early. Ours are in single precision.`,
        ),
      ],
    },
    { title: 'How it ran', body: [facts(ran)] },
    {
      title: 'Run it again',
      body: [paragraph('In the folder where it was run; what is finished is not computed again:'), verbatim(command)],
    },
  ];
}
