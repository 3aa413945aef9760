// What training costs as n, d, m and the epochs grow, one at a time: directly, in Gram space, and as `auto` chooses.
//
//   node build.mjs && node bench/trainers.mjs [--adapter NAME] [--rounds 3] [--loss identity|logistic] [--json FILE] [--svg DIR]
//
// The trainers take turns, so that a machine that slows down slows all; a point is the median of the rounds. The plots
// (trainers-LOSS.svg) mark where `auto` changes its mind. Shifted Gauss, learning rate 1, one training, warm.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import * as perturb from '../dist/node.js';

const { values: options } = parseArgs({
  options: {
    adapter: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    loss: { type: 'string', default: 'identity' },
    json: { type: 'string' },
    svg: { type: 'string' },
    /** Draws what an earlier run measured. */
    redraw: { type: 'string' },
  },
});
const { loss } = options;
const rounds = Number(options.rounds);
const TRAINERS = ['direct', 'gram', 'auto'];
const AXES =
  loss === 'identity'
    ? {
        n: [250, 500, 1000, 2000, 4000, 6000],
        d: [12, 25, 50, 100, 400, 1600],
        m: [25, 50, 100, 200, 400],
        epochs: [3, 10, 30, 100, 300, 1000, 3000],
      }
    : { n: [250, 500, 1000, 2000], d: [100, 400, 1600, 3200], m: [25, 100, 400], epochs: [3, 10, 30, 100, 300] };
const BASE = loss === 'identity' ? { n: 1000, d: 100, m: 100, epochs: 300 } : { n: 500, d: 1600, m: 100, epochs: 50 };
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

async function measure(engine, { n, d, m, epochs }) {
  const { gpu } = engine;
  const layout = perturb.matmulLayout(gpu, m, undefined, n * d * m);
  const blocks = perturb.planBlocks(gpu, n, d, layout.words);
  const x = perturb.Samples.allocate(gpu, 'x', blocks, d);
  const labels = gpu.upload(
    'y',
    Float32Array.from({ length: n }, (_, i) => (i < n / 2 ? 1 : -1)),
  );
  for (const [at, { rows, start }] of blocks.entries()) {
    const normal = { kind: 'normal', seed: 1, stream: 1, offset: start * d };
    await engine.kernels.random({ output: x.arrays[at], rows, cols: d, ld: x.ld, ...normal });
    await engine.kernels.shiftRows({ labels, x: x.arrays[at], n: rows, d, ld: x.ld, start, shift: 0.3 });
  }
  const panels = perturb.Panels.allocate(gpu, blocks, d);
  await panels.fill(gpu, x);
  const common = { samples: x, panels, labels, layout, loss, lr: 1, momentum: 0.9 };
  const plateau = { factor: 0.1, patience: 10, threshold: 1e-4 };
  const run = async (trainer) => {
    const network = await perturb.Network.create(gpu, { d, m, slope: 0 }, {}, 1, { W: 3, b: 4, a: 5 });
    const began = performance.now();
    const { chosen, reason } = await perturb.train(gpu, { ...common, network, epochs, plateau }, trainer);
    const seconds = (performance.now() - began) / 1000;
    network.dispose();
    return { seconds, chosen, reason };
  };
  const runs = Object.fromEntries(TRAINERS.map((trainer) => [trainer, []]));
  for (const trainer of TRAINERS) await run(trainer);
  for (let round = 0; round < rounds; round++) for (const trainer of TRAINERS) runs[trainer].push(await run(trainer));
  for (const thing of [x, panels, labels]) thing.dispose();
  const seconds = Object.fromEntries(TRAINERS.map((trainer) => [trainer, median(runs[trainer].map((r) => r.seconds))]));
  const { chosen, reason } = runs.auto[0];
  // Round by round, so that a slow moment does not count against either.
  const worse = median(
    runs.auto.map(({ seconds: own }, k) => own / Math.min(runs.direct[k].seconds, runs.gram[k].seconds)),
  );
  return { seconds, chosen, reason, worse };
}

function draw(report) {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const colours = { direct: '#0072b2', gram: '#d55e00', auto: '#222222' };
  const charts = Object.keys(report.axes).map((axis) => {
    const rows = report.points.filter((point) => point.axis === axis);
    const lines = rows.flatMap((point) =>
      TRAINERS.map((trainer) => ({ x: point.shape[axis], seconds: point.seconds[trainer], trainer })),
    );
    const changes = rows.slice(1).filter((point, k) => point.chosen !== rows[k].chosen);
    const others = Object.entries(report.base).filter(([name]) => name !== axis);
    return Plot.plot({
      document,
      width: 420,
      height: 320,
      marginLeft: 55,
      marginBottom: 45,
      style: { fontFamily: 'system-ui, sans-serif', fontSize: '12px', background: 'white' },
      x: {
        type: 'log',
        label: `${axis} (${others.map(([name, value]) => `${name} ${value}`).join(', ')})`,
        grid: true,
        ticks: rows.map(({ shape }) => shape[axis]),
        tickFormat: String,
      },
      y: { type: 'log', label: 'seconds a training', grid: true },
      marks: [
        Plot.ruleX(changes, { x: (point) => point.shape[axis], stroke: '#888', strokeDasharray: '4 3' }),
        Plot.text(changes, {
          x: (point) => point.shape[axis],
          frameAnchor: 'top',
          text: (point) => `auto: ${point.chosen} from here`,
          dy: -2,
          textAnchor: 'start',
          dx: 4,
          fill: '#555',
        }),
        ...TRAINERS.map((trainer) =>
          Plot.line(
            lines.filter((line) => line.trainer === trainer),
            {
              x: 'x',
              y: 'seconds',
              stroke: colours[trainer],
              strokeWidth: trainer === 'auto' ? 1.2 : 2,
              strokeDasharray: trainer === 'auto' ? '2 3' : undefined,
            },
          ),
        ),
        ...TRAINERS.map((trainer) =>
          Plot.dot(
            lines.filter((line) => line.trainer === trainer),
            {
              x: 'x',
              y: 'seconds',
              stroke: colours[trainer],
              fill: trainer === 'auto' ? 'none' : colours[trainer],
              r: trainer === 'auto' ? 6 : 3,
            },
          ),
        ),
      ],
    });
  });
  const width = 860;
  const height = Math.ceil(charts.length / 2) * 340 + 50;
  const legend = TRAINERS.map(
    (trainer, k) =>
      `<circle cx="${20 + k * 110}" cy="34" r="${trainer === 'auto' ? 6 : 4}" stroke="${colours[trainer]}" fill="${trainer === 'auto' ? 'none' : colours[trainer]}"/><text x="${32 + k * 110}" y="38">${trainer}</text>`,
  ).join('');
  const parts = charts.map((chart, k) => {
    const svg = chart.tagName.toLowerCase() === 'svg' ? chart : chart.querySelector('svg');
    svg.setAttribute('x', String((k % 2) * 430));
    svg.setAttribute('y', String(Math.floor(k / 2) * 340 + 50));
    return svg.outerHTML;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/><text x="10" y="16" font-weight="bold">Training, ${report.loss} loss: ${report.adapter.description || report.adapter.name}, ${report.date.slice(0, 10)}</text>${legend}${parts.join('')}</svg>\n`;
}

let report;
if (options.redraw) {
  report = JSON.parse(readFileSync(options.redraw, 'utf8'));
} else {
  const engine = await perturb.createEngine(options.adapter ? { adapter: options.adapter } : {});
  report = {
    date: new Date().toISOString(),
    adapter: engine.adapter,
    versions: engine.settings.versions,
    loss,
    rounds,
    base: BASE,
    axes: AXES,
    points: [],
  };
  for (const [axis, list] of Object.entries(AXES)) {
    for (const value of list) {
      const shape = { ...BASE, [axis]: value };
      const point = { axis, shape, ...(await measure(engine, shape)) };
      report.points.push(point);
      const { direct, gram, auto } = point.seconds;
      const at = Object.entries(shape)
        .map(([name, size]) => `${name} ${size}`)
        .join(' ');
      console.log(
        `${at}: direct ${direct.toFixed(3)} s, gram ${gram.toFixed(3)} s, auto ${auto.toFixed(3)} s (${point.chosen}, ${point.worse.toFixed(2)} of the better)`,
      );
    }
  }
  const worst = report.points.reduce((a, b) => (b.worse > a.worse ? b : a));
  console.log(
    `auto at its worst: ${worst.worse.toFixed(2)} times the better trainer, at ${JSON.stringify(worst.shape)}: ${worst.reason}`,
  );
  if (options.json) writeFileSync(options.json, `${JSON.stringify(report, null, 1)}\n`);
  engine.dispose();
}
if (options.svg) {
  mkdirSync(options.svg, { recursive: true });
  writeFileSync(`${options.svg}/trainers-${report.loss}.svg`, draw(report));
}
process.exit(0);
