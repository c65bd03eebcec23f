export { compareRefs, kindRank } from './kind-order.ts';
export { perform, type PerformContext, type PerformOutcome } from './perform.ts';
export { performOperations, type OperationDeps } from './perform-operations.ts';
export { planSync } from './plan-sync.ts';
export { printablePlan, type PlanRequest, type SyncPhase, type SyncPlan, type SyncStep, type SyncTask } from './plan.ts';
export type { Failpoint, KindResolver, PerformDeps, SyncLedger } from './sync-deps.ts';
export { isTransient, watchUntil, type WatchTarget } from './watch-until.ts';
export { deleteAndWait } from './write-task.ts';
