// Holding work back, and a clock that stands still meanwhile.

export class Pause {
  #hold: { readonly over: Promise<void>; readonly end: () => void; readonly since: number } | undefined;
  #heldMilliseconds = 0;

  /** Begins, unless it has. */
  begin(): void {
    if (this.#hold) return;
    let end = () => {};
    const over = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#hold = { over, end, since: performance.now() };
  }

  end(): void {
    if (!this.#hold) return;
    this.#heldMilliseconds += performance.now() - this.#hold.since;
    this.#hold.end();
    this.#hold = undefined;
  }

  /** Resolves at the end of it; undefined outside one. */
  get over(): Promise<void> | undefined {
    return this.#hold?.over;
  }

  /** Milliseconds, those inside a pause not counted. */
  now(): number {
    return (this.#hold?.since ?? performance.now()) - this.#heldMilliseconds;
  }
}
