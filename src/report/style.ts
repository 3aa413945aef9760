// What all figures have in common: colours, type, sizes.

/** Text and axes. */
export const INK = '#222222';
export const PAPER = '#ffffff';
export const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';
export const FONT_SIZE = 13;

/**
 * Okabe and Ito's palette, told apart by every kind of colour vision, without its yellow, which print loses. Neighbours
 * differ in lightness too, and nothing is told by colour alone: markers and dashes differ as well.
 */
export const PALETTE = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00', '#000000'] as const;

export const colourOf = (index: number): string => PALETTE[index % PALETTE.length]!;

export const DASHES = '5 4';

/** A number as axes write it: at most four digits, powers of ten only where they are needed. */
export function tick(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e5)) {
    const [digits, power] = Number(value.toPrecision(4)).toExponential().split('e');
    return `${digits}e${Number(power)}`.replace('-', '−').replace('e-', 'e−');
  }
  return String(Number(value.toPrecision(4))).replace('-', '−');
}

/** Options of every axis. */
export const AXIS = { labelAnchor: 'center', labelArrow: 'none', tickFormat: tick } as const;
