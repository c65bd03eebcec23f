import { systemClock, type Clock } from '@tiphys/kernel';
import { forgetfulJournal } from './journal.ts';
import { MvccIndex } from './mvcc-index.ts';
import { defaultRetention, type RetentionOptions, type Store } from './store.ts';
import { WatchableStore } from './watchable-store.ts';

/** Options of a store that forgets at the end of the process. */
export interface MemoryStoreOptions extends RetentionOptions {
  readonly clock?: Pick<Clock, 'now'>;
}

/** A store in memory: for tests and for planes that need not outlive their process. */
export function createMemoryStore(options: MemoryStoreOptions = {}): Store {
  const { clock = systemClock, ...retention } = options;
  return new WatchableStore({ index: new MvccIndex(1, 1), journal: forgetfulJournal, retention: { ...defaultRetention, ...retention }, clock });
}
