import { deepEqual, isStatus, type rbacv1 } from '@tiphys/kube-model';
import type { Core, Scope, WriteFlags } from '../core.ts';
import { draftAs } from '../draft.ts';
import { parseStored } from '../registry/objects.ts';
import { changeObject } from '../verbs/update.ts';
import { aggregatedRules } from './authorize.ts';

const FLAGS: WriteFlags = { dryRun: false, fieldManager: 'clusterrole-aggregation-controller', fieldValidation: 'Ignore', force: false, warn: () => undefined };
const USER = { username: 'system:serviceaccount:kube-system:clusterrole-aggregation-controller', groups: ['system:masters'] };

/** Keeps the rules of aggregated roles those of the roles they select, until the signal aborts. */
export async function aggregateRoles(core: Core, signal: AbortSignal): Promise<void> {
  await settleAggregates(core);
  for await (const { events } of core.store.watch({ prefix: PREFIX, afterRevision: core.store.revision, signal })) {
    if (events.length > 0) await settleAggregates(core);
  }
}

/** Writes what stale aggregated roles should have; roles that aggregate aggregated ones settle with the next change. */
export async function settleAggregates(core: Core): Promise<void> {
  const served = core.catalog.find('rbac.authorization.k8s.io', 'v1', 'clusterroles');
  if (served === undefined) return;
  for (const { name, rules } of staleAggregates(core)) {
    const scope: Scope = { served, namespace: undefined, name, subresource: undefined, user: USER, userAgent: FLAGS.fieldManager };
    try {
      await changeObject(core, scope, (live) => Object.assign(live, { rules }), FLAGS);
    } catch (error) {
      // Deleted in the meantime; or a role that is selected has rules no role may have, and then nothing is aggregated until it changes.
      if (!isStatus(error, 'NotFound', 'Invalid')) throw error;
    }
  }
}

const PREFIX = '/rbac.authorization.k8s.io/clusterroles/';

function staleAggregates(core: Core): readonly { readonly name: string; readonly rules: readonly rbacv1.PolicyRule[] }[] {
  const roles = core.store.list({ prefix: PREFIX }).entries.map((entry) => draftAs<rbacv1.ClusterRole>(parseStored(entry.value)) as rbacv1.ClusterRole); // Read only.
  return roles.flatMap((role) => {
    if (role.aggregationRule === undefined || role.metadata.deletionTimestamp !== undefined) return [];
    const unique = new Map(aggregatedRules(role, roles).map((rule) => [JSON.stringify(rule), rule]));
    const rules = [...unique.values()];
    return deepEqual(rules, role.rules ?? []) ? [] : [{ name: role.metadata.name ?? '', rules }];
  });
}
