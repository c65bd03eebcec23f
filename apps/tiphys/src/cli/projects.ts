import { readFile } from 'node:fs/promises';
import type { AppProject, GroupKindRule, ProjectSpec, SyncWindow } from '@tiphys/delivery-applications';
import type { SyncWindowsAnswer } from '@tiphys/delivery-api';
import { formatProblem, parseManifests } from '@tiphys/kube-yaml';
import { CliError } from './cli-error.ts';
import { formatList, formatTable, formatValue, printable, type Column } from './output.ts';
import type { ClientSession } from './session.ts';

/** `proj list`. */
export async function listProjects({ api, host, format }: ClientSession): Promise<void> {
  const { items } = await api.call<{ readonly items: readonly AppProject[] }>({ path: '/api/v1/projects' });
  const columns: readonly Column<AppProject>[] = [
    { title: 'NAME', cell: (row) => row.metadata.name ?? '' },
    { title: 'SOURCES', cell: (row) => (row.spec.sourceRepos ?? []).join(',') },
    { title: 'DESTINATIONS', cell: (row) => (row.spec.destinations ?? []).map(formatDestination).join(' ') },
    { title: 'WINDOWS', wide: true, cell: (row) => String((row.spec.syncWindows ?? []).length) },
    { title: 'DESCRIPTION', wide: true, cell: (row) => row.spec.description ?? '' },
  ];
  host.stdout(formatList(items, columns, format, (row) => row.metadata.name ?? ''));
}

/** `proj get`. */
export async function showProject({ api, host, format }: ClientSession, name: string): Promise<void> {
  const project = await api.call<AppProject>({ path: pathOf(name) });
  if (format === 'json' || format === 'yaml') {
    host.stdout(formatValue(project, format));
    return;
  }
  const { spec } = project;
  const kinds = (rules: readonly GroupKindRule[] | undefined, absent: string): string =>
    rules === undefined
      ? absent
      : rules.map(({ group, kind, name: only }) => `${group === '' ? '' : `${group}/`}${kind}${only === undefined ? '' : `/${only}`}`).join(' ') || 'none';
  host.stdout(
    formatTable([
      ['Name:', project.metadata.name ?? ''],
      ['Description:', spec.description ?? ''],
      ['Repositories:', (spec.sourceRepos ?? []).join(' ')],
      ['Destinations:', (spec.destinations ?? []).map(formatDestination).join(' ')],
      ['Source namespaces:', (spec.sourceNamespaces ?? []).join(' ')],
      ['Cluster kinds:', kinds(spec.clusterResourceWhitelist, 'none')],
      ['Denied cluster kinds:', kinds(spec.clusterResourceBlacklist, 'none')],
      ['Namespaced kinds:', kinds(spec.namespaceResourceWhitelist, 'all')],
      ['Denied namespaced kinds:', kinds(spec.namespaceResourceBlacklist, 'none')],
      ['Orphaned resources:', spec.orphanedResources === undefined ? 'not looked for' : spec.orphanedResources.warn === false ? 'no warning' : 'warning'],
      ['Sync windows:', String((spec.syncWindows ?? []).length)],
    ]),
  );
}

/** Options of `proj create`. */
export interface CreateProjectOptions {
  readonly file?: string;
  readonly description?: string;
  readonly src?: readonly string[];
  readonly dest?: readonly string[];
  readonly sourceNamespaces?: readonly string[];
  readonly allowClusterResource?: readonly string[];
  readonly orphanedResources?: boolean;
  readonly upsert?: boolean;
}

/** `proj create`, from flags or from a manifest. */
export async function createProject({ api, host }: ClientSession, name: string | undefined, options: CreateProjectOptions): Promise<void> {
  const project = options.file === undefined ? fromFlags(name, options) : await fromFile(options.file);
  const created = await api.call<AppProject>({ method: 'POST', path: '/api/v1/projects', body: { project, upsert: options.upsert === true } });
  host.stdout(`project/${printable(created.metadata.name ?? '')} created\n`);
}

function fromFlags(name: string | undefined, options: CreateProjectOptions): unknown {
  if (name === undefined) throw new CliError({ code: 'usage' }, 'proj create: needs a name, or -f');
  const { description, src, dest, sourceNamespaces, allowClusterResource, orphanedResources } = options;
  return {
    metadata: { name },
    spec: {
      description,
      sourceRepos: src,
      destinations: dest?.map(parseDestination),
      sourceNamespaces,
      clusterResourceWhitelist: allowClusterResource?.map(parseKind),
      orphanedResources: orphanedResources === true ? {} : undefined,
    },
  };
}

async function fromFile(file: string): Promise<unknown> {
  const text = await readFile(file === '-' ? '/dev/stdin' : file, 'utf8').catch((cause: unknown) => {
    throw new CliError({ code: 'usage' }, `${file}: cannot be read`, { cause });
  });
  const { objects, problems } = parseManifests(text, { source: file });
  if (problems.length > 0) throw new CliError({ code: 'usage' }, problems.map(formatProblem).join('\n'));
  const found = objects.find(({ object }) => object.kind === 'AppProject');
  if (found === undefined) throw new CliError({ code: 'usage' }, `${file}: holds no AppProject`);
  return found.object;
}

/** `proj delete`. */
export async function deleteProject({ api, host }: ClientSession, name: string): Promise<void> {
  await api.call({ method: 'DELETE', path: pathOf(name) });
  host.stdout(`project/${printable(name)} deleted\n`);
}

/** Reads a project, changes its spec and writes it back; somebody who was faster makes it fail. */
export async function changeProject({ api, host }: ClientSession, name: string, change: (spec: ProjectSpec) => ProjectSpec): Promise<void> {
  const project = await api.call<AppProject>({ path: pathOf(name) });
  const spec = change(project.spec);
  if (JSON.stringify(spec) === JSON.stringify(project.spec)) {
    host.stdout(`project/${printable(name)} unchanged\n`);
    return;
  }
  await api.call({ method: 'PUT', path: pathOf(name), body: { project: { ...project, spec } } });
  host.stdout(`project/${printable(name)} changed\n`);
}

/** A list with an entry added, once. */
export function withEntry<T>(list: readonly T[] | undefined, entry: T): readonly T[] {
  const text = JSON.stringify(entry);
  return (list ?? []).some((other) => JSON.stringify(other) === text) ? (list ?? []) : [...(list ?? []), entry];
}

/** A list with an entry taken away. Throws CliError when it is not there. */
export function withoutEntry<T>(list: readonly T[] | undefined, entry: T): readonly T[] {
  const text = JSON.stringify(entry);
  const left = (list ?? []).filter((other) => JSON.stringify(other) !== text);
  if (left.length === (list ?? []).length) throw new CliError({ code: 'usage' }, `the project has no such entry: ${text}`);
  return left;
}

/** A kind of `GROUP KIND`, the core group written as "". */
export function kindOf(group: string, kind: string): GroupKindRule {
  return { group: group === '""' ? '' : group, kind };
}

/** `proj windows list`. */
export async function listWindows({ api, host, format }: ClientSession, name: string): Promise<void> {
  const { windows } = await api.call<{ readonly windows: SyncWindowsAnswer['assignedWindows'] }>({ path: `${pathOf(name)}/syncwindows` });
  type Row = (typeof windows)[number] & { readonly id: number };
  const columns: readonly Column<Row>[] = [
    { title: 'ID', cell: (row) => String(row.id) },
    { title: 'STATUS', cell: (row) => (row.problem === undefined ? (row.isActive ? 'Active' : 'Inactive') : 'Invalid') },
    { title: 'KIND', cell: (row) => row.kind ?? '' },
    { title: 'SCHEDULE', cell: (row) => row.schedule ?? '' },
    { title: 'DURATION', cell: (row) => row.duration ?? '' },
    { title: 'APPLICATIONS', cell: (row) => (row.applications ?? []).join(',') || '-' },
    { title: 'NAMESPACES', cell: (row) => (row.namespaces ?? []).join(',') || '-' },
    { title: 'CLUSTERS', cell: (row) => (row.clusters ?? []).join(',') || '-' },
    { title: 'MANUALSYNC', cell: (row) => (row.manualSync === true ? 'Enabled' : 'Disabled') },
    { title: 'TIMEZONE', cell: (row) => row.timeZone ?? 'UTC' },
    { title: 'CHANGES', wide: true, cell: (row) => row.changesAt ?? row.problem ?? '' },
  ];
  const rows = windows.map((window, id) => ({ ...window, id }));
  host.stdout(formatList(rows, columns, format, (row) => String(row.id)));
}

/** Changes one window by its number. Throws CliError when there is none. */
export function withWindow(spec: ProjectSpec, id: number, change: (window: SyncWindow) => SyncWindow | undefined): ProjectSpec {
  const { syncWindows = [] } = spec;
  if (syncWindows[id] === undefined)
    throw new CliError({ code: 'usage' }, `the project has no window ${id}`, { hint: '`tiphys proj windows list` numbers them' });
  return { ...spec, syncWindows: syncWindows.flatMap((window, index) => (index === id ? (change(window) ?? []) : [window])) };
}

function pathOf(name: string): string {
  return `/api/v1/projects/${encodeURIComponent(name)}`;
}

function formatDestination({ server, name, namespace }: { readonly server?: string; readonly name?: string; readonly namespace?: string }): string {
  return `${server ?? name ?? ''},${namespace ?? ''}`;
}

function parseDestination(text: string): { readonly server: string; readonly namespace: string } {
  const comma = text.lastIndexOf(',');
  if (comma < 1) throw new CliError({ code: 'usage' }, `destination "${text}": must be SERVER,NAMESPACE`);
  return { server: text.slice(0, comma), namespace: text.slice(comma + 1) };
}

function parseKind(text: string): GroupKindRule {
  const slash = text.indexOf('/');
  return slash < 0 ? { group: '', kind: text } : { group: text.slice(0, slash), kind: text.slice(slash + 1) };
}
