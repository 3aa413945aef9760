// Drawing without stalls: at most one chart a frame, and each a few times a second, however often its data change.

/** A chart is drawn again this long after it was drawn last, at the earliest. */
const EVERY_MS = 240;

interface Job {
  readonly draw: () => void;
  readonly last: number;
}

const jobs = new Map<object, Job>();
/** When each was drawn last. */
const drawn = new WeakMap<object, number>();
let frame = 0;

function turn(now: number): void {
  frame = 0;
  for (const [key, job] of jobs) {
    if (now - job.last < EVERY_MS) continue;
    jobs.delete(key);
    drawn.set(key, now);
    job.draw();
    break;
  }
  if (jobs.size > 0) frame = requestAnimationFrame(turn);
}

/** Draws soon; a later request for the same key takes the place of one that waits. */
export function drawSoon(key: object, draw: () => void): void {
  // A request that replaces one keeps its place in the line.
  jobs.set(key, { draw, last: drawn.get(key) ?? Number.NEGATIVE_INFINITY });
  if (frame === 0) frame = requestAnimationFrame(turn);
}

export function forgetDrawing(key: object): void {
  jobs.delete(key);
}
