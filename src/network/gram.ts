// Training in Gram space, both ways; loaded when it is first chosen.

export { advanceGramIdentity } from './gram-identity';
export { trainGramLogistic } from './gram-logistic';
export { compileGramIdentity } from './gram-warm-up';
