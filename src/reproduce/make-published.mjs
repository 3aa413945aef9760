// Makes published.json, the published figures in the project's own terms, from the values read off the plots:
//
//   node src/reproduce/make-published.mjs ../shared/published/figures.json && npx biome format --write src/reproduce
//
// What a panel sets becomes dotted configuration keys (the README beside figures.json says which is which), so that nothing
// else in the project has to know the names that the paper's code uses.
import { readFileSync, writeFileSync } from 'node:fs';

const FIGURES = {
  shifted_Gauss_a: ['shifted-gauss-a', 'Shifted Gauss, scenario a'],
  shifted_Gauss_a_mini: ['shifted-gauss-a-mini', 'Shifted Gauss, scenario a, the excerpt of the main text'],
  shifted_Gauss_b: ['shifted-gauss-b', 'Shifted Gauss, scenario b'],
  Gauss_a: ['gauss-a', 'Gauss noise, scenario a'],
  Gauss_b: ['gauss-b', 'Gauss noise, scenario b'],
  MNIST_a: ['mnist-a', 'MNIST, scenario a'],
  MNIST_b: ['mnist-b', 'MNIST, scenario b'],
  FMNIST_a: ['fashion-mnist-a', 'Fashion-MNIST, scenario a'],
  FMNIST_b: ['fashion-mnist-b', 'Fashion-MNIST, scenario b'],
  cossim: ['cosine', 'Cosine of perturbations with the predicted directions'],
};
const KEYS = {
  in_dim: 'data.d',
  n_sample: 'data.n',
  hidden_dim: 'network.width',
  slope: 'network.slope',
  loss_name: 'loss',
  epochs_1: 'standard.epochs',
  epochs_2: 'learning.epochs',
  lr_1: 'standard.lr',
  lr_2: 'learning.lr',
  perturbation_size: 'perturbation.size',
  on_original: 'perturbation.onData',
};
const DATA = { shifted_gauss: 'shifted-gauss', gauss: 'gauss', MNIST: 'mnist', FMNIST: 'fashion-mnist' };
const METRICS = {
  acc: 'standardAccuracy',
  adv_acc_for_natural: 'perturbationAccuracy',
  agreement: 'agreement',
  cossim: 'cosine',
};

const [source] = process.argv.slice(2);
const { figures } = JSON.parse(readFileSync(source, 'utf8'));

function known(table, name) {
  if (!(name in table)) throw new Error(`${name} is none of ${Object.keys(table)}`);
  return table[name];
}

/** Dotted keys of a panel's configuration; the seed and the grid of learning rates are told apart from it. */
function settings({ seed: _, lrs_1: _1, lrs_2: _2, data_gen_method, dataset_name, ...rest }) {
  return {
    'data.kind': known(DATA, data_gen_method ?? dataset_name),
    ...Object.fromEntries(Object.entries(rest).map(([name, value]) => [known(KEYS, name), value])),
  };
}

/** The axis is the first of the varied keys that the label speaks of; others go along with it. */
function axis(varied) {
  return Object.entries(varied).map(([name, values]) => [known(KEYS, name), values]);
}

const plain = (label) =>
  label
    .replace(/\$\\epsilon\$/, 'ε')
    .replace(/\$\\gamma\$/, 'γ')
    .replaceAll('$', '');

function curve({ xlabel, xlog, config, varied, series }) {
  return {
    xLabel: plain(xlabel),
    xLog: xlog,
    publishedSeed: config.seed,
    set: settings(config),
    vary: Object.fromEntries(axis(varied)),
    learningRates: { standard: config.lrs_1, learning: config.lrs_2 },
    published: Object.fromEntries(
      Object.entries(series).map(([name, { y, unc, uncertain }]) => [
        known(METRICS, name),
        { y, halfWidth: unc, uncertain: Object.fromEntries(uncertain.map(({ i, note }) => [i, note])) },
      ]),
    ),
  };
}

const curves = Object.entries(FIGURES).map(([name, [id, title]]) => ({
  id,
  title,
  panels: figures[name].panels.map(curve),
}));
const maps = figures.map.panels.map((panel) => ({
  title: panel.panel,
  publishedSeed: panel.config.seed,
  set: settings(panel.config),
  limits: panel.limits,
  disagreementAtLeast: panel.disagreement_area_fraction_visible_lower_bound,
  zeroLines: { fHat: panel['hat_f zero line'], gHat: panel['hat_g zero line'] },
}));
const about =
  'Values read off the plots of Kumano, Kera, Yamasaki, "Wide Two-Layer Networks can Learn from Adversarial Perturbations" (NeurIPS 2024). Every y is the maximum over the learning-rate grid, each metric on its own, of one seed, trained in half precision; null lies below the axis (0.4). halfWidth: how far off the reading may be.';
writeFileSync(new URL('published.json', import.meta.url), JSON.stringify({ about, figures: curves, maps }));
