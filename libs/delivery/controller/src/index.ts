export { Cluster, type ClusterOptions } from './cluster.ts';
export { IN_CLUSTER } from './cluster-registry.ts';
export { decideAutoSync, type AutoSyncDecision, type AutoSyncInput } from './decide-auto-sync.ts';
export type {
  ClusterState,
  DeliveryController,
  DeliveryControllerOptions,
  PlanOptions,
  ResourceActionRequest,
  RollbackRequest,
  SyncRequest,
  SyncWindowsState,
  SyncWindowState,
} from './controller-types.ts';
export { createDeliveryController } from './delivery-controller.ts';
export { DeliveryError, type DeliveryErrorDetail } from './delivery-error.ts';
export { FIELD_MANAGER, type Evidence, type Rendered } from './gather.ts';
export type { ResourceNode } from './resource-tree.ts';
export { SECRET_TYPE_LABEL } from './secrets.ts';
export { windowAnswer } from './sync-windows.ts';
