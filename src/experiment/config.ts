// From a JSON document to a configuration with every default filled in, or one error that says all that is wrong with it.

import * as v from 'valibot';
import {
  type ConfigSource,
  findUnknown,
  fromIssue,
  isPlainObject,
  type Problem,
  show,
  throwProblems,
} from './config-problems';
import { configSchema, SCHEMA_VERSION } from './config-schema';
import type { DataConfig, ExperimentConfig } from './types';

export type { ConfigSource } from './config-problems';
export { SAVE_ITEMS, SCHEMA_VERSION } from './config-schema';
export { applySets, setKeys } from './config-sets';

/** How many fresh points to draw where the data have no end of them; files give all they hold. */
const FRESH_POINTS = 1000;

/** Either a configuration, or what is wrong with the document, each problem at its key. */
export type CheckedConfig =
  | { readonly config: ExperimentConfig; readonly problems?: undefined }
  | { readonly config?: undefined; readonly problems: readonly Problem[] };

/** Checks a document and fills in its defaults; for forms, which show every problem where it is. */
export function checkConfig(raw: unknown): CheckedConfig {
  const document = withKind(withoutUndefined(raw));
  const unknown = findUnknown(document);
  const parsed = v.safeParse(configSchema, document);
  const problems = [...unknown];
  for (const problem of parsed.success ? [] : parsed.issues.map(fromIssue)) {
    // What is already known to be misplaced, or reported once, is not reported again for what it contains.
    const covered = problems.some(({ key }) => problem.key === key || key === '' || problem.key.startsWith(`${key}.`));
    if (!covered) problems.push(problem);
  }
  if (problems.length > 0) return { problems };
  const { schemaVersion: _, ...output } = (parsed as v.SafeParseResult<typeof configSchema>).output as v.InferOutput<
    typeof configSchema
  >;
  const config: ExperimentConfig = { ...output, test: freshPoints(output.test, output.data) };
  const more = tooManyEntries(config);
  return more.length > 0 ? { problems: more } : { config };
}

/** Checks a document and fills in its defaults. Throws an InputError that lists up to five problems. */
export function parseConfig(raw: unknown, source: ConfigSource = {}): ExperimentConfig {
  const { config, problems } = checkConfig(raw);
  if (problems) throwProblems(problems, source);
  return config as ExperimentConfig;
}

/** The document of config.json: parseConfig gives the same configuration back. */
export const resolvedJson = (config: ExperimentConfig): Readonly<Record<string, unknown>> => ({
  schemaVersion: SCHEMA_VERSION,
  ...config,
});

/** `data` without a kind is of the default kind, as a configuration without `data` is. */
function withKind(document: unknown): unknown {
  if (!isPlainObject(document) || !isPlainObject(document.data) || 'kind' in document.data) return document;
  return { ...document, data: { kind: 'shifted-gauss', ...document.data } };
}

/** A copy without keys whose value is undefined: to a caller in JavaScript they mean "not given". */
function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (!isPlainObject(value)) return value;
  const kept = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutUndefined(inner)]));
}

function freshPoints(test: ExperimentConfig['test'], data: DataConfig): ExperimentConfig['test'] {
  const drawn = data.kind === 'shifted-gauss' || data.kind === 'gauss' || data.kind === 'glyphs';
  return test.n === undefined && drawn ? { n: FRESH_POINTS } : test;
}

/** Inputs per sample where the configuration alone decides it. */
function inputs(data: DataConfig): number | undefined {
  if (data.kind === 'shifted-gauss' || data.kind === 'gauss') return data.d;
  return data.kind === 'glyphs' ? data.size ** 2 : undefined;
}

function tooManyEntries({ data, perturbation: { k } }: ExperimentConfig): Problem[] {
  const d = inputs(data);
  if (k === undefined || d === undefined || k <= d) return [];
  const message = `perturbation.k must be at most the number of inputs, ${d}, not ${show(k)}`;
  return [{ key: 'perturbation.k', message, remedy: `Set perturbation.k to an integer from 1 to ${d}.` }];
}
