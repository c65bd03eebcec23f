import type {
  ApplicationListAnswer,
  FieldChange,
  ManagedResource,
  ManagedResourcesAnswer,
  ManifestsAnswer,
  PlanAnswer,
  PlanStep,
  ResourceNode,
  ResourceTreeAnswer,
} from '@tiphys/delivery-api';
import { sourcesOf, type Application, type ResourceStatus, type RevisionHistory } from '@tiphys/delivery-applications';
import { applicationCall } from './application-name.ts';
import { formatAge, formatField, formatList, formatTable, formatValue, printable, type Column } from './output.ts';
import type { ClientSession } from './session.ts';

const applicationColumns = (nowMs: number): readonly Column<Application>[] => [
  { title: 'NAME', cell: (app) => app.metadata.name ?? '' },
  { title: 'SYNC', cell: (app) => app.status?.sync?.status ?? 'Unknown' },
  { title: 'HEALTH', cell: (app) => app.status?.health?.status ?? 'Unknown' },
  { title: 'REVISION', cell: (app) => (app.status?.sync?.revision ?? '').slice(0, 8) || '-' },
  {
    title: 'LAST SYNC',
    cell: (app) =>
      `${app.status?.operationState?.phase ?? '-'} ${formatAge(app.status?.operationState?.finishedAt ?? app.status?.operationState?.startedAt, nowMs)}`,
  },
  { title: 'PROJECT', cell: (app) => app.spec.project },
  { title: 'NAMESPACE', cell: (app) => app.spec.destination.namespace ?? '' },
  {
    title: 'REPO',
    wide: true,
    cell: (app) =>
      sourcesOf(app.spec)
        .map((source) => source.repoURL)
        .join(','),
  },
  {
    title: 'PATH',
    wide: true,
    cell: (app) =>
      sourcesOf(app.spec)
        .map((source) => source.path ?? source.chart ?? '')
        .join(','),
  },
  {
    title: 'TARGET',
    wide: true,
    cell: (app) =>
      sourcesOf(app.spec)
        .map((source) => source.targetRevision ?? 'HEAD')
        .join(','),
  },
];

/** `app list`. */
export async function listApplications({ api, host, format }: ClientSession, filters: Readonly<Record<string, string | undefined>>): Promise<void> {
  const items: Application[] = [];
  for (;;) {
    const page = await api.call<ApplicationListAnswer>({
      path: '/api/v1/applications',
      query: { sort: 'name', limit: 1_000, ...filters, offset: items.length },
    });
    items.push(...page.items);
    if (items.length >= page.total || page.items.length === 0) break;
  }
  host.stdout(formatList(items, applicationColumns(host.now()), format, (app) => `application/${app.metadata.name ?? ''}`));
}

/** `app get`. */
export async function showApplication({ api, host, format }: ClientSession, name: string, refresh: 'normal' | 'hard' | undefined): Promise<void> {
  const application = await api.call<Application>(applicationCall(name, '', { refresh }));
  if (format === 'json' || format === 'yaml') {
    host.stdout(formatValue(application, format));
    return;
  }
  if (format === 'name') {
    host.stdout(`application/${name}\n`);
    return;
  }
  const { nodes } = await api.call<ResourceTreeAnswer>(applicationCall(name, '/resource-tree'));
  host.stdout(summaryOf(application, host.now()));
  host.stdout(`\n${treeOf(application, nodes)}`);
}

function summaryOf(application: Application, nowMs: number): string {
  const { spec, status } = application;
  const operation = status?.operationState;
  const rows = [
    ['Name:', application.metadata.name ?? ''],
    ['Project:', spec.project],
    ...sourcesOf(spec).map((source) => ['Source:', `${source.repoURL} ${source.path ?? source.chart ?? ''} @ ${source.targetRevision ?? 'HEAD'}`]),
    ['Destination:', `${spec.destination.server ?? spec.destination.name ?? ''} ${spec.destination.namespace ?? ''}`],
    ['Sync:', `${status?.sync?.status ?? 'Unknown'} to ${(status?.sync?.revision ?? '').slice(0, 12) || '(nothing yet)'}`],
    ['Health:', [status?.health?.status ?? 'Unknown', status?.health?.message].filter(Boolean).join(': ')],
    ['Automation:', automationOf(application)],
    ...(operation === undefined
      ? []
      : [
          [
            'Last operation:',
            `${operation.phase} ${formatAge(operation.finishedAt ?? operation.startedAt, nowMs)} ago${operation.message === undefined ? '' : `: ${operation.message}`}`,
          ],
        ]),
    ...(status?.conditions ?? []).map((condition) => [`${condition.type}:`, condition.message]),
  ];
  return formatTable(rows);
}

function automationOf({ spec, metadata }: Application): string {
  const automated = spec.syncPolicy?.automated;
  if (automated === undefined || automated.enabled === false) return 'off';
  const pinned = metadata.annotations?.['tiphys.dev/pin'] === undefined ? '' : ' (pinned after a rollback)';
  return `on${automated.prune === true ? ', prune' : ''}${automated.selfHeal === true ? ', self-heal' : ''}${pinned}`;
}

function treeOf(application: Application, nodes: readonly ResourceNode[]): string {
  const statusByKey = new Map(
    (application.status?.resources ?? []).map((row) => [`${row.group ?? ''}/${row.kind}/${row.namespace ?? ''}/${row.name}`, row.status ?? '']),
  );
  const keyOf = (node: { readonly group: string; readonly kind: string; readonly namespace?: string; readonly name: string }): string =>
    `${node.group}/${node.kind}/${node.namespace ?? ''}/${node.name}`;
  const known = new Set(nodes.map(keyOf));
  const childrenByParent = new Map<string, ResourceNode[]>();
  for (const node of nodes) for (const parent of node.parentRefs) childrenByParent.set(keyOf(parent), [...(childrenByParent.get(keyOf(parent)) ?? []), node]);
  const rows: string[][] = [['RESOURCE', 'SYNC', 'HEALTH', 'INFO']];
  const visit = (node: ResourceNode, depth: number): void => {
    if (depth > 20) return;
    rows.push([
      `${'  '.repeat(depth)}${node.kind}/${node.name}`,
      statusByKey.get(keyOf(node)) ?? '',
      node.health?.status ?? '',
      (node.info ?? []).map((info) => info.value).join(' '),
    ]);
    for (const child of childrenByParent.get(keyOf(node)) ?? []) visit(child, depth + 1);
  };
  for (const node of nodes) if (!node.parentRefs.some((parent) => known.has(keyOf(parent)))) visit(node, 0);
  return formatTable(rows);
}

/** `app diff`: true when something differs. */
export async function diffApplication({ api, host, format }: ClientSession, name: string): Promise<boolean> {
  const answer = await api.call<ManagedResourcesAnswer>(applicationCall(name, '/managed-resources'));
  const differing = answer.items.filter((item) => item.status !== 'Synced' && !item.hook);
  if (format === 'json' || format === 'yaml')
    host.stdout(formatValue({ ...answer, items: differing.map(({ targetState: _, liveState: __, ...item }) => item) }, format));
  else host.stdout(differing.map(describeResource).join('\n'));
  for (const problem of answer.problems) host.stderr(`${printable(problem)}\n`);
  return differing.length > 0;
}

function describeResource(item: ManagedResource): string {
  const title = `${item.kind}/${item.namespace === undefined ? '' : `${item.namespace}/`}${item.name}`;
  if (item.requiresPruning) return `${printable(title)} is not in Git any more: a sync with prune deletes it\n`;
  if (item.changes.length === 1 && item.changes[0]?.path === '') return `${printable(title)} is missing: a sync creates it\n`;
  return `${printable(title)}\n${item.changes.map(describeChange).join('')}`;
}

function describeChange(change: FieldChange): string {
  const since = change.owner === undefined ? [] : [`${change.owner.manager}${change.owner.time === undefined ? '' : `, ${change.owner.time}`}`];
  const why = `   (${[change.why, ...since].join(': ')})`;
  const value = (side: unknown): string => (change.masked === true && side !== undefined ? '(secret)' : formatField(side));
  return `  ${printable(change.path)}: ${value(change.live)} -> ${value(change.desired)}${printable(why)}\n`;
}

/** `app plan`. */
export async function planApplication(
  { api, host, format }: ClientSession,
  name: string,
  options: { readonly revision?: string; readonly prune?: boolean },
): Promise<void> {
  const plan = await api.call<PlanAnswer>(applicationCall(name, '/plan', options));
  if (format === 'json' || format === 'yaml') {
    host.stdout(formatValue(plan, format));
    return;
  }
  const counts = new Map<string, number>();
  for (const step of plan.steps) counts.set(step.effect, (counts.get(step.effect) ?? 0) + 1);
  host.stdout(
    formatTable([
      ['PHASE', 'WAVE', 'EFFECT', 'RESOURCE', 'CHANGES'],
      ...plan.steps.map((step) => [
        step.phase,
        String(step.wave),
        step.effect,
        `${step.kind}/${step.namespace === undefined ? '' : `${step.namespace}/`}${step.name}`,
        step.changes
          .map((change) => change.path)
          .slice(0, 4)
          .join(' '),
      ]),
    ]),
  );
  host.stdout(`\n${[...counts].map(([effect, count]) => `${count} ${effect}`).join(', ') || 'nothing to do'}\nrevision ${plan.revision}\nplan ${plan.hash}\n`);
  for (const problem of plan.problems) host.stderr(`${printable(problem)}\n`);
}

/** `app diff --local`: what a sync of manifests of this machine would change; true when something. */
export async function diffLocal({ api, host, format }: ClientSession, name: string, manifests: readonly string[]): Promise<boolean> {
  const plan = await api.call<PlanAnswer>({ method: 'POST', ...applicationCall(name, '/plan'), body: { manifests, prune: true } });
  const steps = plan.steps.filter((step) => step.action !== 'hook' && step.effect !== 'unchanged');
  if (format === 'json' || format === 'yaml') host.stdout(formatValue({ ...plan, steps }, format));
  else host.stdout(steps.map(describeStep).join('\n'));
  for (const problem of plan.problems) host.stderr(`${printable(problem)}\n`);
  return steps.length > 0;
}

function describeStep({ effect, kind, namespace, name, changes }: PlanStep): string {
  const title = printable(`${kind}/${namespace === undefined ? '' : `${namespace}/`}${name}`);
  if (effect === 'create') return `${title} is missing: a sync creates it\n`;
  if (effect === 'delete' || effect === 'keep') return `${title} is not among the manifests: a sync with prune deletes it\n`;
  return `${title}\n${changes.map(describeChange).join('')}`;
}

/** `app resources`: the objects an application manages. */
export async function listResources({ api, host, format }: ClientSession, name: string): Promise<void> {
  const { status } = await api.call<Application>(applicationCall(name));
  const columns: readonly Column<ResourceStatus>[] = [
    { title: 'GROUP', cell: (row) => row.group ?? '' },
    { title: 'KIND', cell: (row) => row.kind },
    { title: 'NAMESPACE', cell: (row) => row.namespace ?? '' },
    { title: 'NAME', cell: (row) => row.name },
    { title: 'STATUS', cell: (row) => row.status ?? '' },
    { title: 'HEALTH', cell: (row) => row.health?.status ?? '' },
    { title: 'WAVE', wide: true, cell: (row) => String(row.syncWave ?? 0) },
    { title: 'PRUNE', wide: true, cell: (row) => (row.requiresPruning === true ? 'yes' : '') },
  ];
  host.stdout(formatList(status?.resources ?? [], columns, format, (row) => `${row.kind.toLowerCase()}/${row.name}`));
}

/** `app history`. */
export async function showHistory({ api, host, format }: ClientSession, name: string): Promise<void> {
  const application = await api.call<Application>(applicationCall(name));
  const columns: readonly Column<RevisionHistory>[] = [
    { title: 'ID', cell: (entry) => String(entry.id) },
    { title: 'DATE', cell: (entry) => entry.deployedAt },
    { title: 'REVISION', cell: (entry) => entry.revision ?? (entry.revisions ?? []).join(',') },
    { title: 'BY', cell: (entry) => entry.initiatedBy?.username ?? (entry.initiatedBy?.automated === true ? 'automated' : '-') },
    { title: 'RUN', wide: true, cell: (entry) => entry.run ?? '' },
  ];
  host.stdout(formatList(application.status?.history ?? [], columns, format, (entry) => String(entry.id)));
}

/** `app manifests`. */
export async function showManifests({ api, host, format }: ClientSession, name: string, revision: string | undefined): Promise<void> {
  const { manifests } = await api.call<ManifestsAnswer>(applicationCall(name, '/manifests', { revision }));
  const objects = manifests.map((text): unknown => JSON.parse(text));
  host.stdout(format === 'json' ? formatValue({ items: objects }, 'json') : objects.map((object) => formatValue(object, 'yaml')).join('---\n'));
}
