export { applicationSetType, type ApplicationSet, type ApplicationSetStatus, type SetCondition, type WantedApplication } from './application-set.ts';
export { GenerateError, type GenerateErrorDetail } from './generate-error.ts';
export { generate, type Generated } from './generators/generate.ts';
export type { GeneratorWorld, HttpAnswer, HttpCall, KnownCluster } from './generators/context.ts';
export { renderApplication } from './render-application.ts';
export { parseApplicationSet } from './schema.ts';
export { APPROVE_REMOVALS, decideChanges, isAutomatic, isOwned, repeatedNames, type DecideInput, type SetChanges } from './decide.ts';
export { decideRollout, isRolling, type RolloutDecision } from './decide-rollout.ts';
export { isPlainPath } from './ignored-fields.ts';
