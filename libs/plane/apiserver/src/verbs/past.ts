import { StoreError } from '@tiphys/plane-store';
import { statusError } from '@tiphys/kube-model';
import type { Core } from '../core.ts';
import { badRequest, tooLarge } from '../failures.ts';

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/**
 * The revision that `?at=` asks for: a revision, or an RFC 3339 time, at which the last write before it is meant. Ours alone;
 * upstream has no such parameter. Throws 400 for what is neither, 410 for what is no longer kept, 504 for a revision to come.
 */
export function pastRevision(core: Core, at: string): number {
  const { store } = core;
  try {
    if (/^\d+$/.test(at)) {
      const revision = Number(at);
      if (revision > store.revision) throw tooLarge(revision, store.revision);
      // Reads of compacted revisions throw; an empty prefix of nothing is the cheapest one.
      store.get('', revision);
      return revision;
    }
    const time = RFC_3339.test(at) ? Date.parse(at) : Number.NaN;
    if (Number.isNaN(time)) throw badRequest(`at: ${JSON.stringify(at)} is neither a revision nor an RFC 3339 time, such as 2030-01-02T03:04:05Z`);
    return store.revisionAt(time);
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'compacted') throw error;
    throw statusError('Expired', `at: ${error.message}; how long history is kept is an option of the server`);
  }
}
