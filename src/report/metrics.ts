// Metrics and configuration values in words, for every figure, table and report.

const METRICS: Readonly<Record<string, string>> = {
  standardAccuracy: 'standard accuracy',
  perturbationAccuracy: 'perturbation accuracy',
  agreement: 'agreement',
  cosine: 'cosine with the theory',
};

/** A metric in words. */
export const metricName = (metric: string): string => METRICS[metric] ?? metric;

/** A configuration value as text. */
export const valueText = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? '–');

/** Configuration values with their keys. */
export const valuesText = (values: Readonly<Record<string, unknown>>): string =>
  Object.entries(values)
    .map(([key, value]) => `${key} = ${valueText(value)}`)
    .join(', ');

/** An end of an interval of a metric: each is a share or the size of a cosine, and what lies beyond means nothing. */
export const withinShare = (value: number): number => Math.min(1, Math.max(0, value));
