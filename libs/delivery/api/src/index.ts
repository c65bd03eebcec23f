export { ApiError } from './api-error.ts';
export type { ActionRequest, DeliveryBackend, PlanRequest, RollbackRequest, SyncRequest } from './backend.ts';
export { createControllerBackend, type ControllerBackendOptions } from './controller-backend.ts';
export { ListenError, startDeliveryApi, type DeliveryApi, type DeliveryApiOptions } from './server.ts';
export type { LocalAccount } from './sessions.ts';
export type {
  ApplicationListAnswer,
  ChangeOwner,
  ClusterAnswer,
  ErrorAnswer,
  FieldChange,
  ListFacets,
  LogLine,
  ManagedResource,
  ManagedResourcesAnswer,
  ManifestsAnswer,
  PlanAnswer,
  PlanStep,
  RepositoryAnswer,
  ResourceActionsAnswer,
  ResourceNode,
  ResourceTreeAnswer,
  SyncWindowsAnswer,
  RunsAnswer,
  StreamEvent,
} from './wire.ts';
