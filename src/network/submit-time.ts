/** Seconds a submit of training aims at: display watchdogs end what takes seconds, and progress and cancelling stay lively. */
export const SUBMIT_SECONDS = 0.1;

/**
 * The same for chunks of Gram space on adapters on the CPU, which no watchdog looks after: every chunk begins with a pass over
 * the state and a copy of it, which cost MNIST half a second at a tenth.
 */
export const CPU_CHUNK_SECONDS = 0.3;
