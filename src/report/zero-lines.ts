// Where a function on a grid is zero: marching squares, the pieces joined to lines. Open where they leave the grid, so that
// its edge is never part of a line.

/** A line through grid coordinates: x grows along a row, y from row to row, both from 0 to size - 1. */
export type Line = readonly (readonly [x: number, y: number])[];

/** A place where a line crosses the side between two neighbouring grid points: the name of that side. */
type Crossing = number;

/**
 * The zero lines of values (size, size), row-major. A value counts as positive when it is above zero, so a function that is
 * zero everywhere has none; a square with a value that is not finite has no line in it.
 * A closed line ends where it begins. Order and direction depend on the values alone.
 */
export function zeroLines(values: Float32Array, size: number): Line[] {
  const neighbours = new Map<Crossing, Crossing[]>();
  const link = (a: Crossing, b: Crossing) => {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const known = neighbours.get(from);
      if (known) known.push(to);
      else neighbours.set(from, [to]);
    }
  };
  for (let row = 0; row + 1 < size; row++) {
    for (let column = 0; column + 1 < size; column++) segments(values, size, row, column, link);
  }
  const seen = new Set<Crossing>();
  const lines: Line[] = [];
  const follow = (start: Crossing) => {
    if (seen.has(start)) return;
    const path = [start];
    seen.add(start);
    for (let at: Crossing | undefined = start; at !== undefined; ) {
      at = neighbours.get(at)!.find((next) => !seen.has(next));
      if (at === undefined) break;
      seen.add(at);
      path.push(at);
    }
    const closed = path.length > 2 && neighbours.get(path.at(-1)!)!.includes(start);
    lines.push((closed ? [...path, start] : path).map((crossing) => place(values, size, crossing)));
  };
  // Open lines from their ends first; what is left is closed.
  for (const [crossing, linked] of neighbours) if (linked.length === 1) follow(crossing);
  for (const crossing of neighbours.keys()) follow(crossing);
  return lines;
}

/** Sides are numbered by their first grid point: 2 p to its right, 2 p + 1 below it. */
const toTheRight = (point: number): Crossing => 2 * point;
const below = (point: number): Crossing => 2 * point + 1;

function segments(
  values: Float32Array,
  size: number,
  row: number,
  column: number,
  link: (a: Crossing, b: Crossing) => void,
): void {
  const point = row * size + column;
  const corners = [point, point + 1, point + size + 1, point + size];
  const [a, b, c, d] = corners.map((at) => values[at]!) as [number, number, number, number];
  if (![a, b, c, d].every(Number.isFinite)) return;
  // Clockwise from the upper side, as the corners are from the upper left.
  const sides = [toTheRight(point), below(point + 1), toTheRight(point + size), below(point)];
  const signs = [a > 0, b > 0, c > 0, d > 0];
  const crossed = sides.filter((_, k) => signs[k] !== signs[(k + 1) % 4]);
  if (crossed.length === 2) link(crossed[0]!, crossed[1]!);
  if (crossed.length < 4) return;
  // A saddle: the middle goes with the upper left corner, or with the other two.
  const [up, right, down, left] = crossed as [Crossing, Crossing, Crossing, Crossing];
  if ((a + b + c + d) / 4 > 0 === signs[0]) {
    link(up, right);
    link(down, left);
  } else {
    link(up, left);
    link(down, right);
  }
}

/** Where between its two grid points a side is crossed, the function taken as linear. */
function place(values: Float32Array, size: number, crossing: Crossing): [number, number] {
  const point = crossing >> 1;
  const vertical = (crossing & 1) === 1;
  const from = values[point]!;
  const to = values[point + (vertical ? size : 1)]!;
  const share = from / (from - to);
  const [x, y] = [point % size, Math.floor(point / size)];
  return vertical ? [x, y + share] : [x + share, y];
}

/** A line without the points that are nearer than `distance` to the last one kept; its two ends stay. */
export function thin(line: Line, distance: number): Line {
  const kept = [line[0]!];
  for (const point of line.slice(1, -1)) {
    const [x, y] = kept.at(-1)!;
    if (Math.hypot(point[0] - x, point[1] - y) >= distance) kept.push(point);
  }
  if (line.length > 1) kept.push(line.at(-1)!);
  return kept;
}
