// What the peer benchmarks share: options, the adapter, the watch over WebGPU errors, spreads, tables and the report's head.
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { describeAdapter, gpu } from './gpu.mjs';

export class UsageError extends Error {}

/** Names that an option lists with commas between. */
function listOf(option, given, names) {
  const list = given === 'all' ? names : given.split(',');
  const unknown = list.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new UsageError(`unknown --${option} ${unknown}: there are ${names.join(', ')}`);
  return list;
}

/**
 * The options of a benchmark, checked.
 * @param shapes, peers what --shapes and --peers may list; without peers there is no such option
 * @param usual the shapes when none are given
 */
export function readOptions(args, { shapes, usual = shapes, peers }) {
  let values;
  try {
    ({ values } = parseArgs({
      args,
      options: {
        shapes: { type: 'string', default: usual.join() },
        ...(peers ? { peers: { type: 'string', default: 'all' } } : {}),
        rounds: { type: 'string', default: '5' },
        adapter: { type: 'string' },
        json: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    throw new UsageError(error.message);
  }
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new UsageError(`--rounds wants a whole number, not ${values.rounds}`);
  return {
    ...values,
    shapes: listOf('shapes', values.shapes, shapes),
    ...(peers ? { peers: listOf('peers', values.peers, peers) } : {}),
    rounds,
  };
}

/** Median, least and most. */
export function summary(values) {
  const s = [...values].sort((a, b) => a - b);
  const at = (s.length - 1) / 2;
  return { median: (s[Math.floor(at)] + s[Math.ceil(at)]) / 2, min: s[0], max: s.at(-1) };
}

export const digits = (value) => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));
export const spread = ({ median, min, max }, unit = '') => `${digits(median)}${unit} (${digits(min)}..${digits(max)})`;

/** Rows of cells, the first the heads, in columns. */
export function printTable(title, rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  console.log(`\n${title}`);
  for (const row of rows) {
    const cells = row.map((cell, column) => cell.padEnd(widths[column]));
    console.log(cells.join('  ').trimEnd());
  }
}

const deviceErrors = [];
const watched = new WeakSet();
/** Keeps every error that nobody catches; {@link throwDeviceErrors} throws them. */
export function watchErrors(name, device) {
  if (!device || watched.has(device)) return;
  watched.add(device);
  device.addEventListener('uncapturederror', ({ error }) => deviceErrors.push(`${name}: ${error.message}`));
}
export function throwDeviceErrors() {
  if (deviceErrors.length > 0) throw new Error(`uncaptured WebGPU errors:\n  ${deviceErrors.join('\n  ')}`);
}

/** Throws unless a contestant runs on the adapter that was announced. */
export function requireAdapter(name, info, adapter) {
  const own = describeAdapter(info);
  if (JSON.stringify(own) !== JSON.stringify(adapter)) {
    throw new Error(`${name} runs on ${JSON.stringify(own)}, not on ${JSON.stringify(adapter)}`);
  }
}

async function findAdapter(wanted) {
  const found = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!found) {
    throw new Error('no WebGPU adapter; for lavapipe set VK_DRIVER_FILES to its ICD file and XDG_RUNTIME_DIR');
  }
  const adapter = describeAdapter(found.info);
  const text = Object.values(adapter).join(' ');
  if (wanted && !text.toLowerCase().includes(wanted.toLowerCase())) {
    throw new Error(`--adapter ${wanted} wanted, but the adapter is ${text}`);
  }
  console.log(`adapter: ${text}`);
  return adapter;
}

function versions() {
  const { dependencies } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));
  const own = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return { [own.name]: own.version, ...dependencies, node: process.versions.node };
}

/** The head of a report: when, with what, on what, and how busy the machine was before. */
export async function reportHead(script, args, { adapter: wanted, rounds }) {
  const adapter = await findAdapter(wanted);
  const [load] = os.loadavg();
  console.log(`load average: ${load.toFixed(2)} on ${os.cpus().length} cores`);
  // Without --json FILE: where a figure was saved says nothing about it.
  const kept = args.filter((arg, i) => !arg.startsWith('--json') && args[i - 1] !== '--json');
  return {
    date: new Date().toISOString(),
    command: [`node bench/peers/${script}`, ...kept].join(' '),
    adapter,
    host: {
      platform: process.platform,
      arch: process.arch,
      cpu: os.cpus()[0]?.model,
      cores: os.cpus().length,
      loadAverage: load,
    },
    versions: versions(),
    rounds,
  };
}

/** Runs a benchmark to the end of the process: 0 done, 1 a check failed, 2 bad usage. */
export function runMain(main, usage) {
  // Dawn keeps Node alive as long as its instance is referenced, so the end is said aloud.
  main(process.argv.slice(2)).then(
    () => process.exit(0),
    (error) => {
      if (error instanceof UsageError) console.error(`${error.message}\n${usage}`);
      else console.error(`the benchmark failed: ${error.stack}`);
      process.exit(error instanceof UsageError ? 2 : 1);
    },
  );
}
