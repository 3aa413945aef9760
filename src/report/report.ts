// The report of a run: everything that its result says, on one page.

import { type Artifact, toJson } from '../experiment/artifacts';
import { resolvedJson } from '../experiment/config';
import type { ExperimentResult } from '../experiment/types';
import { curveColumns, curvesSvg } from './curves';
import { bytes, deviceText, estimatedPhi, percent, seconds } from './format';
import { mapSvg, mapTitle } from './map';
import { facts, figures, page, paragraph, pictureTable, row, type Section, svgFigure, verbatim } from './page';
import { samplePictures } from './pictures';
import { tick } from './style';
import { kernelText, pairs, stageTimes } from './used';

const utf8 = new TextEncoder();

/** report.html and the figures as .svg files: curves.svg, and map.svg when there is a map. */
export function reportFiles(result: ExperimentResult): Artifact[] {
  const map = drawMap(result);
  const texts = {
    'report.html': runReport(result, map),
    'curves.svg': curvesSvg(result),
    ...(map === undefined ? {} : { 'map.svg': map }),
  };
  return Object.entries(texts).map(([name, text]) => ({ name, bytes: utf8.encode(text) }));
}

const drawMap = ({ map, config }: ExperimentResult): string | undefined =>
  map && mapSvg(map, { title: mapTitle(config) });

/** report.html of a run. @param map its figure, drawn already */
export function runReport(result: ExperimentResult, map = drawMap(result)): string {
  const { config } = result;
  const learned = config.perturbation.onData ? 'samples plus their perturbations' : 'nothing but perturbations';
  return page({
    title: `Perturbation learning: ${dataText(result)}`,
    lead: `Network f was trained on the data. Network g was trained from scratch on ${learned}, with random labels, and never saw a clean sample.`,
    sections: [
      resultsSection(result),
      {
        title: 'Training',
        body: [
          row(
            curveColumns(result).map((svg, at) =>
              svgFigure(svg, `Loss and learning rate of ${['f', 'g'][at]} over the epochs`),
            ),
          ),
          paragraph(lossText(result)),
        ],
      },
      ...picturesSection(result),
      ...(map === undefined ? [] : [mapSection(result, map)]),
      { title: 'How it ran', body: [facts(runFacts(result))] },
      {
        title: 'Configuration',
        body: [
          paragraph('Every default filled in, as in config.json. Run it again, in the folder of this report, with'),
          verbatim('npx perturb run config.json --out again'),
          verbatim(toJson(resolvedJson(config))),
        ],
      },
    ],
  });
}

function dataText({ config: { data } }: ExperimentResult): string {
  const classes = 'classes' in data ? `, ${data.classes[0]} against ${data.classes[1]}` : '';
  const size = 'n' in data ? `, ${data.n} samples` : '';
  return `${data.kind}${classes}${size}`;
}

function resultsSection(result: ExperimentResult): Section {
  const { metrics } = result;
  const { standardAccuracy, perturbationAccuracy, agreement, cosine } = metrics;
  const optional =
    cosine === undefined
      ? []
      : [
          {
            value: cosine.toFixed(4),
            name: 'cosine with the theory',
            meaning: `Mean |cos| of each perturbation with the weighted sum of samples that the theory predicts${estimatedPhi(result)}; 1 is parallel.`,
          },
        ];
  return {
    title: 'Results',
    body: [
      figures([
        {
          value: percent(standardAccuracy),
          name: 'standard accuracy',
          meaning: 'Share of its own training samples that f classifies correctly.',
        },
        {
          value: percent(perturbationAccuracy),
          name: 'perturbation accuracy',
          meaning: 'Share of the clean samples that g classifies correctly, though it never saw them; 50 % is chance.',
        },
        {
          value: agreement === null ? '–' : percent(agreement),
          name: 'agreement',
          meaning:
            agreement === null
              ? 'Not measured: the data have no test points.'
              : 'Share of fresh points on which f and g decide alike.',
        },
        ...optional,
      ]),
    ],
  };
}

const lossOf = (value: number) => (Number.isFinite(value) ? tick(value) : 'not finite: diverged');

const lossText = ({ loss, config }: ExperimentResult) =>
  `Last loss of f: ${lossOf(loss.standard)}; of g: ${lossOf(loss.learning)}. The ${config.loss} loss is ${
    config.loss === 'identity' ? '−y f, which has no lower bound' : 'log(1 + exp(−y f)), which is positive'
  }.`;

function picturesSection(result: ExperimentResult): Section[] {
  const { samples, config } = result;
  const drawn = samplePictures(result);
  if (!samples || drawn.length === 0) return [];
  const names = 'classes' in config.data ? config.data.classes : undefined;
  const named = (label: number) => (names ? String(names[label > 0 ? 0 : 1]) : label > 0 ? '+1' : '−1');
  const head = drawn.map((_, i) => `label ${named(samples.labels[i]!)}\ntarget ${named(samples.targets[i]!)}`);
  return [
    {
      title: 'Samples, perturbations and sums',
      body: [
        paragraph(
          'The target is the random label that the perturbation pushes f towards, and that g is trained with. Perturbations are magnified to full colour; the sums are as they are.',
        ),
        pictureTable(head, [
          { name: 'sample', pictures: drawn.map(({ sample }) => sample) },
          { name: 'perturbation', pictures: drawn.map(({ perturbation }) => perturbation) },
          { name: 'sum', pictures: drawn.map(({ sum }) => sum) },
        ]),
      ],
    },
  ];
}

/** Share of the points of a map on which f and g have the same sign. */
function agreeing({ agree }: NonNullable<ExperimentResult['map']>): number {
  return agree.reduce((sum, same) => sum + same, 0) / agree.length;
}

function mapSection(result: ExperimentResult, svg: string): Section {
  const { map } = result;
  const caption = `The plane through the origin spanned by the two class means, ${map!.resolution} x ${map!.resolution} points: f and g have the same sign on ${percent(agreeing(map!))} of it. Dashed: where the theory predicts the zero lines${estimatedPhi(result)}. Samples are projected onto the plane.`;
  return {
    title: 'Decision map',
    body: [svgFigure(svg, 'Decision map of f and g with their predicted zero lines', caption)],
  };
}

function runFacts(result: ExperimentResult): [string, string][] {
  const { trainer, timing, memory, versions } = result;
  const { standard, learning } = trainer.stages;
  return [
    ['trainer of f', `${standard.chosen}: ${standard.reason}`],
    ['trainer of g', `${learning.chosen}: ${learning.reason}`],
    ['kernels', kernelText([trainer.kernels])],
    [
      'time',
      [
        seconds(timing.totalSeconds),
        ...stageTimes([timing]),
        `start-up, not counted ${seconds(timing.startupSeconds)}`,
      ].join('\n'),
    ],
    ['peak device memory', bytes(memory.peakDeviceBytes)],
    ['device', deviceText(result)],
    ['versions', pairs(versions)],
  ];
}
