// How long the fuzzers of this folder go on, and from which seed.
//   PERTURB_FUZZ=1000000        so many cases, shared out among the targets (default: seconds' worth)
//   PERTURB_FUZZ_SEED=12345     the seed that a failure printed (default: another one each time in the long mode)

const { PERTURB_FUZZ, PERTURB_FUZZ_SEED } = process.env;

/** Cases in all that the long mode asks for; undefined in the suite. */
export const LONG_CASES = PERTURB_FUZZ === undefined ? undefined : Number(PERTURB_FUZZ);

/** The suite's seed is fixed: what fails there fails again. */
export const SEED = PERTURB_FUZZ_SEED
  ? Number(PERTURB_FUZZ_SEED)
  : LONG_CASES === undefined
    ? 20241201
    : Math.floor(Math.random() * 2 ** 31);

/** Cases of a target that has this share of all. @param few how many the suite takes */
export const casesOf = (share: number, few: number): number =>
  LONG_CASES === undefined ? few : Math.ceil(LONG_CASES * share);

/** A limit for a test of the long mode, in milliseconds. */
export const LONG_TIMEOUT = LONG_CASES === undefined ? 120_000 : 6 * 3600_000;
