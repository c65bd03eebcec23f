export type {
  CallOptions, DeleteOptions, KubeClient, ListOptions, ListSelection, PatchOptions, PatchType, RawRequest, RawResponse, WatchEvent, WatchOptions, WriteOptions,
} from './client.ts';
export type { IndexFunction, Informer, InformerEvent, InformerFactory, InformerOptions, Lister } from './informer-types.ts';
