export {
  defaultSyncOptions, ignoresExtraneous, parseSyncOptions, resourceSyncOptions, roleOf, waveOf,
  type HookDeletePolicy, type HookPhase, type ResourceRole, type SyncOptions,
} from './annotations.ts';
export {
  applicationType, ARGO_API_VERSION, isAutomated, sourcesOf,
  type Application, type ApplicationCondition, type ApplicationDestination, type ApplicationSource, type ApplicationSpec, type ApplicationStatus, type AutomatedSync,
  type DirectorySource, type HealthStatus, type HealthStatusCode, type IgnoreDifference, type Operation, type OperationPhase, type OperationState, type ResourceResult,
  type ResourceStatus, type RetryBackoff, type RetryStrategy, type RevisionHistory, type SyncPolicy, type SyncResource, type SyncStatusCode,
} from './application.ts';
export { crdManifests } from './crds.ts';
export { checkApplication, checkResource, defaultProject, projectType, type AppProject, type GroupKindRule, type ProjectSpec, type TargetCluster } from './project.ts';
export { normalizeRepoUrl } from './repo-url.ts';
export { parseApplication, parseProject, parseSyncRun, type Parsed } from './schema.ts';
export {
  APPLICATION_LABEL, applicationLabel, isFinished, PIN_ANNOTATION, pinOf, RUN_ANNOTATION, syncRunType, TIPHYS_API_VERSION,
  type Pin, type PlannedTask, type RunCause, type RunOptions, type RunPhase, type SyncRun, type SyncRunSpec, type SyncRunStatus, type TaskAction, type TaskResult,
} from './sync-run.ts';
export { applicationOf, formatTrackingId, parseTrackingId, TRACKING_ANNOTATION, withTracking, type Tracking } from './tracking.ts';
