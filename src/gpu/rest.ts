// Rest for the thread that waits in Node. Dawn's binding looks whether work is finished over and over from the event loop, as
// long as any is pending: a whole core, which adapters that compute on the CPU then lack, and which real GPUs waste. So the
// loop sleeps between two looks.

/** Of the time waited so far, what one sleep may add: what bounds the delay. */
const SHARE = 1 / 16;
/** Milliseconds of the longest sleep: everything else in the event loop waits as long. */
const LONGEST = 1;
/** Milliseconds below which sleeping costs more than looking again. */
const SHORTEST = 0.05;

/** Makes the event loop sleep between two turns while promises of Dawn are awaited. */
export class Rest {
  #waiting = 0;
  #since = 0;
  #turns = false;
  readonly #cell = new Int32Array(new SharedArrayBuffer(4));

  /** The promise, awaited at rest. */
  async during<T>(promise: Promise<T>): Promise<T> {
    if (this.#waiting++ === 0) this.#since = performance.now();
    if (!this.#turns) this.#turn();
    try {
      return await promise;
    } finally {
      this.#waiting--;
    }
  }

  /** One turn of the event loop, then a sleep, for as long as anybody waits. */
  #turn(): void {
    this.#turns = true;
    setImmediate(() => {
      this.#turns = false;
      if (this.#waiting === 0) return;
      const sleep = Math.min(LONGEST, SHARE * (performance.now() - this.#since));
      if (sleep >= SHORTEST) Atomics.wait(this.#cell, 0, 0, sleep);
      this.#turn();
    });
  }
}
