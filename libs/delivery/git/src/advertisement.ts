import type { ServerRef } from 'isomorphic-git';
import type { RemoteRefs } from './repository.ts';

/** The refs of a server's answer: peeled tags win over their tag objects, HEAD keeps the branch it points to. */
export function toRemoteRefs(refs: readonly ServerRef[]): RemoteRefs {
  const oids = new Map<string, string>();
  let head: string | undefined;
  for (const { ref, oid, peeled, target } of refs) {
    if (ref.endsWith('^{}')) {
      oids.set(ref.slice(0, -3), oid);
      continue;
    }
    oids.set(ref, peeled ?? oid);
    if (ref === 'HEAD' && target !== undefined) head = target;
  }
  // Servers that do not list HEAD's commit still say which branch it is.
  const headOid = head === undefined ? undefined : oids.get(head);
  if (!oids.has('HEAD') && headOid !== undefined) oids.set('HEAD', headOid);
  return head === undefined ? { oids } : { oids, head };
}
