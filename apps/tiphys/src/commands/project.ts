import { Command } from 'commander';
import type { ProjectSpec, SyncWindow } from '@tiphys/delivery-applications';
import {
  changeProject,
  createProject,
  deleteProject,
  kindOf,
  listProjects,
  listWindows,
  showProject,
  withEntry,
  withoutEntry,
  withWindow,
  type CreateProjectOptions,
} from '../cli/projects.ts';
import { openSession, type ClientSession, type Host, type SessionOptions } from '../cli/session.ts';
import { collect, verb, wholeNumber } from './app-options.ts';

/** `tiphys proj …`, also `tiphys project …`. */
export function projectCommand(host: Host): Command {
  const project = new Command('project').alias('proj').description('projects: who may deploy what where');
  verb(project, 'list', 'list projects').action(async (options: object) => listProjects(await openSession(options, host)));
  verb(project, 'get <name>', 'show a project').action(async (name: string, options: object) => showProject(await openSession(options, host), name));
  verb(project, 'create [name]', 'create a project from flags, or from a manifest with -f')
    .option('-f, --file <path>', 'manifest of an AppProject; - reads standard input')
    .option('--description <text>', 'what it is for')
    .option('-s, --src <repository>', 'repository its applications may use', collect)
    .option('-d, --dest <server,namespace>', 'where its applications may go', collect)
    .option('--source-namespaces <name>', 'namespace that may hold its applications', collect)
    .option('--allow-cluster-resource <group/kind>', 'cluster-scoped kind its applications may have', collect)
    .option('--orphaned-resources', 'warn of objects that belong to no application')
    .option('--upsert', 'replace one that exists')
    .action(async (name: string | undefined, options: CreateProjectOptions & SessionOptions) => createProject(await openSession(options, host), name, options));
  verb(project, 'delete <name>', 'delete a project that no application uses').action(async (name: string, options: object) =>
    deleteProject(await openSession(options, host), name),
  );
  ruleVerbs(project, host);
  windowVerbs(project, host);
  return project;
}

type Change = (spec: ProjectSpec, args: readonly string[]) => ProjectSpec;

function ruleVerbs(project: Command, host: Host): void {
  const rule = (usage: string, description: string, change: Change): void => {
    verb(project, usage, description).action(async (name: string, ...rest: readonly unknown[]) => {
      // Commander passes the arguments, the options and the command.
      const args = rest.filter((value): value is string => typeof value === 'string');
      const session = await sessionOf(rest, host);
      await changeProject(session, name, (spec) => change(spec, args));
    });
  };
  rule('add-source <name> <repository>', 'permit a repository', (spec, [url = '']) => ({ ...spec, sourceRepos: withEntry(spec.sourceRepos, url) }));
  rule('remove-source <name> <repository>', 'permit a repository no more', (spec, [url = '']) => ({
    ...spec,
    sourceRepos: withoutEntry(spec.sourceRepos, url),
  }));
  rule('add-destination <name> <server> <namespace>', 'permit a destination', (spec, [server = '', namespace = '']) => ({
    ...spec,
    destinations: withEntry(spec.destinations, { server, namespace }),
  }));
  rule('remove-destination <name> <server> <namespace>', 'permit a destination no more', (spec, [server = '', namespace = '']) => ({
    ...spec,
    destinations: withoutEntry(spec.destinations, { server, namespace }),
  }));
  rule('add-source-namespace <name> <namespace>', 'permit applications in a namespace', (spec, [namespace = '']) => ({
    ...spec,
    sourceNamespaces: withEntry(spec.sourceNamespaces, namespace),
  }));
  rule('remove-source-namespace <name> <namespace>', 'permit applications in a namespace no more', (spec, [namespace = '']) => ({
    ...spec,
    sourceNamespaces: withoutEntry(spec.sourceNamespaces, namespace),
  }));
  rule('allow-cluster-resource <name> <group> <kind>', 'permit a cluster-scoped kind', (spec, [group = '', kind = '']) => ({
    ...spec,
    clusterResourceWhitelist: withEntry(spec.clusterResourceWhitelist, kindOf(group, kind)),
  }));
  rule('deny-cluster-resource <name> <group> <kind>', 'permit a cluster-scoped kind no more', (spec, [group = '', kind = '']) => ({
    ...spec,
    clusterResourceWhitelist: withoutEntry(spec.clusterResourceWhitelist, kindOf(group, kind)),
  }));
  rule('allow-namespace-resource <name> <group> <kind>', 'deny a namespaced kind no more', (spec, [group = '', kind = '']) => ({
    ...spec,
    namespaceResourceBlacklist: withoutEntry(spec.namespaceResourceBlacklist, kindOf(group, kind)),
  }));
  rule('deny-namespace-resource <name> <group> <kind>', 'deny a namespaced kind', (spec, [group = '', kind = '']) => ({
    ...spec,
    namespaceResourceBlacklist: withEntry(spec.namespaceResourceBlacklist, kindOf(group, kind)),
  }));
}

interface WindowOptions {
  readonly kind?: string;
  readonly schedule?: string;
  readonly duration?: string;
  readonly timeZone?: string;
  readonly applications?: readonly string[];
  readonly namespaces?: readonly string[];
  readonly clusters?: readonly string[];
  readonly manualSync?: boolean;
  readonly syncOverrun?: boolean;
  readonly useAndOperator?: boolean;
  readonly description?: string;
}

function windowVerbs(project: Command, host: Host): void {
  const windows = project.command('windows').description('when applications of a project may be synced');
  verb(windows, 'list <name>', 'list the windows of a project').action(async (name: string, options: object) =>
    listWindows(await openSession(options, host), name),
  );
  withWindowOptions(verb(windows, 'add <name>', 'add a window')).action(async (name: string, options: WindowOptions & SessionOptions) => {
    const { kind = 'allow', schedule = '', duration = '', ...rest } = windowOf(options);
    const window = { kind, schedule, duration, ...rest };
    await changeProject(await openSession(options, host), name, (spec) => ({ ...spec, syncWindows: [...(spec.syncWindows ?? []), window] }));
  });
  withWindowOptions(verb(windows, 'update <name> <id>', 'change a window')).action(
    async (name: string, id: string, options: WindowOptions & SessionOptions) => {
      await changeProject(await openSession(options, host), name, (spec) =>
        withWindow(spec, wholeNumber(id), (window) => ({ ...window, ...windowOf(options) })),
      );
    },
  );
  const change = (verbName: string, description: string, by: (window: SyncWindow) => SyncWindow | undefined): void => {
    verb(windows, `${verbName} <name> <id>`, description).action(async (name: string, id: string, options: object) => {
      await changeProject(await openSession(options, host), name, (spec) => withWindow(spec, wholeNumber(id), by));
    });
  };
  change('delete', 'delete a window', () => undefined);
  change('enable-manual-sync', 'let people sync against a window', (window) => ({ ...window, manualSync: true }));
  change('disable-manual-sync', 'hold people too', (window) => ({ ...window, manualSync: false }));
  change('enable-sync-overrun', 'let a running sync end', (window) => ({ ...window, syncOverrun: true }));
  change('disable-sync-overrun', 'hold a running sync too', (window) => ({ ...window, syncOverrun: false }));
}

function withWindowOptions(command: Command): Command {
  return command
    .option('-k, --kind <kind>', 'allow or deny')
    .option('--schedule <cron>', 'when it opens: five fields of cron')
    .option('--duration <duration>', 'how long it stays open, such as 1h')
    .option('--time-zone <name>', 'time zone of the schedule; UTC otherwise')
    .option('--applications <glob>', 'applications it concerns', collect)
    .option('--namespaces <glob>', 'destination namespaces it concerns', collect)
    .option('--clusters <glob>', 'clusters it concerns', collect)
    .option('--manual-sync', 'people may sync against it')
    .option('--sync-overrun', 'a running sync may end')
    .option('--use-and-operator', 'all of applications, namespaces and clusters have to match')
    .option('--description <text>', 'what it is for');
}

function windowOf(options: WindowOptions): SyncWindow {
  const { kind, schedule, duration, timeZone, applications, namespaces, clusters, manualSync, syncOverrun, useAndOperator: andOperator, description } = options;
  const fields = { kind, schedule, duration, timeZone, applications, namespaces, clusters, manualSync, syncOverrun, andOperator, description };
  // The same fields without those that were not given.
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function sessionOf(rest: readonly unknown[], host: Host): Promise<ClientSession> {
  const options = rest.find((value): value is object => typeof value === 'object' && value !== null && !(value instanceof Command));
  return openSession(options ?? {}, host);
}
