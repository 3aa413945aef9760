// The first page of a reproduction: the whole paper at a glance, a verdict on each panel, and the way to each report.

import { gallery, type Html, link, page, paragraph, type Section, table, verbatim } from '../report/page';
import { agreeingOf, certainOf, percentOf, sumVerdicts, verdictTiles } from './report';
import { SCALE_NOTE, type Scale, type Seeds, seedsText } from './scale';
import { VERDICTS, type Verdict } from './verdict';

type Verdicts = Readonly<Record<Verdict, number>>;

/** A panel that has anything finished. */
export interface OverviewPanel {
  /** Counted from 1. */
  readonly panel: number;
  readonly title: string;
  readonly verdicts: Verdicts;
  /** Points and seeds. */
  readonly finished: number;
  readonly cells: number;
  readonly svg?: string;
}

export interface OverviewFigure {
  readonly title: string;
  /** Of its report, from the page. */
  readonly href: string;
  /** How many panels were published. */
  readonly published: number;
  readonly panels: readonly OverviewPanel[];
}

export interface Overview {
  readonly scale: Scale;
  readonly seeds: Seeds;
  readonly figures: readonly OverviewFigure[];
  /** What goes on with it. */
  readonly command: string;
}

const verdictsOf = ({ panels }: OverviewFigure): Verdicts => sumVerdicts(panels.map(({ verdicts }) => verdicts));

/** index.html of a reproduction. */
export function overviewPage({ scale, seeds, figures, command }: Overview): string {
  const begun = figures.filter(({ panels }) => panels.length > 0);
  const count = begun.reduce((total, { panels }) => total + panels.length, 0);
  const published = figures.reduce((total, figure) => total + figure.published, 0);
  return page({
    title: 'Reproduction: Wide Two-Layer Networks can Learn from Adversarial Perturbations',
    lead: `The figures of Kumano, Kera, Yamasaki (NeurIPS 2024), computed anew: ${count} of ${published} panels. ${capital(seedsText(seeds))}, beside the published values; ${scale} scale: ${SCALE_NOTE[scale]}.`,
    sections: [
      { title: 'Verdict', body: [verdictTiles(sumVerdicts(begun.map(verdictsOf)), seeds), figureTable(figures)] },
      ...begun.map(figureSection),
      {
        title: 'Go on',
        body: [paragraph('In the folder where it was run; what is finished is not computed again:'), verbatim(command)],
      },
    ],
  });
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

function figureTable(figures: readonly OverviewFigure[]): Html {
  const rows = figures.map((figure) => {
    const { title, href, published, panels } = figure;
    if (panels.length === 0) return [title, `0 of ${published}`, '', '', '', '', ''];
    const verdicts = verdictsOf(figure);
    return [
      link(href, title),
      `${panels.length} of ${published}`,
      ...VERDICTS.map((name) => verdicts[name]),
      percentOf(agreeingOf(verdicts), certainOf(verdicts)),
    ];
  });
  return table(['figure', 'panels', ...VERDICTS, 'agree'], rows);
}

function figureSection({ title, href, panels }: OverviewFigure): Section {
  const items = panels.map(({ panel, title: shows, verdicts, finished, cells, svg }) => ({
    href,
    ...(svg === undefined ? {} : { svg }),
    title: `${panel}. ${shows}`,
    note: `${countsText(verdicts)}${finished < cells ? `; ${finished} of ${cells} points and seeds` : ''}`,
  }));
  return { title, body: [gallery(items)] };
}

/** "26 inside, 1 outside, 4 uncertain": those that there are. */
function countsText(verdicts: Verdicts): string {
  return VERDICTS.filter((name) => verdicts[name] > 0)
    .map((name) => `${verdicts[name]} ${name}`)
    .join(', ');
}
