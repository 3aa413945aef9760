// Training in Gram space, both ways, and the matrix it sees; loaded when it is first chosen.

export { findBackground } from './background';
export { advanceGramIdentity } from './gram-identity';
export { trainGramLogistic } from './gram-logistic';
export { type GramMakingOptions, gramMatrix } from './gram-make';
export { compileGramIdentity } from './gram-warm-up';
