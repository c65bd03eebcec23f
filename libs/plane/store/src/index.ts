export { backUpStore, restoreStore, type BackupInfo } from './backup.ts';
export { openLmdbStore, type LmdbStoreOptions } from './lmdb-store.ts';
export { createMemoryStore, type MemoryStoreOptions } from './memory-store.ts';
export {
  defaultRetention,
  StoreError,
  type Entry,
  type Expectation,
  type ListRequest,
  type ListResult,
  type RetentionOptions,
  type Store,
  type StoreEvent,
  type WatchBatch,
  type WatchRequest,
  type WriteRequest,
} from './store.ts';
