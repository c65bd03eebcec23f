export type { Change, ChangeOwner, Digest } from './change.ts';
export { compareApplication, type CompareRequest, type Comparison, type ResourceComparison } from './compare-application.ts';
export { diffObject, type DiffRequest } from './diff-object.ts';
export { ignoreRulesFor, type IgnoreRules } from './ignore.ts';
export { normalizeDesired } from './normalize.ts';
