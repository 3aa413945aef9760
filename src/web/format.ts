// Numbers as the page writes them.

/** Time left, in words that do not jump about. */
export function timeLeft(seconds: number): string {
  if (seconds < 1.5) return 'a moment left';
  if (seconds < 60) return `${Math.round(seconds)} s left`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min left`;
  return `${(seconds / 3600).toFixed(1)} h left`;
}

export const count = (value: number): string => value.toLocaleString('en');

/** Three digits. */
export const milliseconds = (seconds: number): string => count(Number((1000 * seconds).toPrecision(3)));

/** A loss: four digits, or what happened to it. */
export const lossText = (value: number | undefined): string =>
  value === undefined
    ? '–'
    : Number.isFinite(value)
      ? String(Number(value.toPrecision(4))).replace('-', '−')
      : 'diverged';
