/** Seconds a submit of training aims at: display watchdogs end what takes seconds, and progress and cancelling stay lively. */
export const SUBMIT_SECONDS = 0.1;
