import type { StoreEvent } from './store.ts';

/** Where a store's changes become durable. */
export interface Journal {
  /**
   * Resolves when all events are durable as one unit. History at or below `compactRevision` may go, in small steps.
   * A rejection means that nothing of it was kept, unless it is fatal.
   */
  append(events: readonly StoreEvent[], compactRevision: number): Promise<void>;
  close(): Promise<void>;
}

/** Keeps nothing: the journal of the memory store. */
export const forgetfulJournal: Journal = {
  append: async () => undefined,
  close: async () => undefined,
};
