export type {
  CallOptions,
  DeleteOptions,
  KubeClient,
  ListOptions,
  ListSelection,
  PatchOptions,
  PatchType,
  RawRequest,
  RawResponse,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from './client.ts';
export { ConnectionError, type Connection } from './connection.ts';
export { discover, type DiscoveredResource } from './discovery.ts';
export { createInformer, type InformerDeps } from './informer.ts';
export { createInformerFactory } from './informer-factory.ts';
export type { IndexFunction, Informer, InformerEvent, InformerFactory, InformerFailure, InformerOptions, Lister } from './informer-types.ts';
export { loadKubeconfig, loadKubeconfigClient, type KubeconfigSource } from './kubeconfig.ts';
export { createKubeClient, listAll } from './rest-client.ts';
export { RestMapper } from './rest-mapper.ts';
