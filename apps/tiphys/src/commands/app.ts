import { Command, InvalidArgumentError } from 'commander';
import { listResourceActions, runResourceAction, type ActionTarget } from '../cli/app-actions.ts';
import { printLogs, type LogOptions } from '../cli/app-logs.ts';
import { diffApplication, listApplications, planApplication, showApplication, showHistory, showManifests } from '../cli/app-read.ts';
import {
  createApplications,
  deleteApplication,
  rollbackApplication,
  syncApplication,
  waitForApplication,
  type CreateOptions,
  type RollbackOptions,
  type SyncOptions,
  type WaitOptions,
} from '../cli/app-write.ts';
import { openSession, withClientOptions, type ClientSession, type Host } from '../cli/session.ts';

/** The parts of every client command's options that open its session. */
interface SessionOptions {
  readonly server?: string;
  readonly token?: string;
  readonly output?: string;
}

const seconds = (text: string): number => {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new InvalidArgumentError('must be a number of seconds');
  return value;
};
const collect = (value: string, previous: readonly string[] | undefined): readonly string[] => [...(previous ?? []), value];

/** `tiphys app …`. */
export function appCommand(host: Host): Command {
  const app = new Command('app').description('applications: what is deployed from where');
  readVerbs(app, host);
  writeVerbs(app, host);
  actionVerbs(app, host);
  return app;
}

function verb(parent: Command, name: string, description: string): Command {
  return withClientOptions(parent.command(name).description(description));
}

function readVerbs(app: Command, host: Host): void {
  verb(app, 'list', 'list applications')
    .option('-p, --project <name>', 'only of this project')
    .option('--sync <status>', 'only with this sync status')
    .option('--health <status>', 'only with this health')
    .option('-l, --selector <labels>', 'only with these labels')
    .option('--repo <url>', 'only from this repository')
    .action(async (options: SessionOptions & Readonly<Record<string, string>>) => {
      const { project, sync, health, selector, repo } = options;
      await listApplications(await openSession(options, host), { project, sync, health, selector, repo });
    });
  verb(app, 'get <name>', 'show an application, its status and its resources')
    .option('--refresh', 'look at Git and the cluster first')
    .option('--hard-refresh', 'render anew as well')
    .action(async (name: string, options: SessionOptions & { readonly refresh?: boolean; readonly hardRefresh?: boolean }) => {
      await showApplication(await openSession(options, host), name, options.hardRefresh === true ? 'hard' : options.refresh === true ? 'normal' : undefined);
    });
  verb(app, 'diff <name>', 'show what differs from Git, field by field with who set it; exits 0 when nothing, 1 when something, 2 on error').action(
    async (name: string, options: SessionOptions) => {
      if (await diffApplication(await openSession(options, host), name)) host.setExitCode(1);
    },
  );
  verb(app, 'plan <name>', 'show what a sync would do, with the hash `sync --plan` takes')
    .option('--revision <revision>', 'plan for this commit, tag or branch')
    .option('--prune', 'plan deletions too')
    .action(async (name: string, options: SessionOptions & { readonly revision?: string; readonly prune?: boolean }) => {
      const { revision, prune } = options;
      await planApplication(await openSession(options, host), name, {
        ...(revision === undefined ? {} : { revision }),
        ...(prune === undefined ? {} : { prune }),
      });
    });
  verb(app, 'history <name>', 'show earlier deployments').action(async (name: string, options: SessionOptions) => {
    await showHistory(await openSession(options, host), name);
  });
  verb(app, 'manifests <name>', 'print the manifests Git asks for')
    .option('--revision <revision>', 'at this commit, tag or branch')
    .action(async (name: string, options: SessionOptions & { readonly revision?: string }) => {
      await showManifests(await openSession(options, host), name, options.revision);
    });
  verb(app, 'logs <name>', 'print logs of all pods, merged')
    .option('-f, --follow', 'go on as lines are written')
    .option('--pod <name>', 'only of this pod')
    .option('-c, --container <name>', 'only of this container')
    .option('--previous', 'of the containers before the last restart')
    .option('--tail <lines>', 'only the last lines of each container')
    .option('--since <seconds>', 'only lines newer than this')
    .option('--filter <text>', 'only lines with this text; !text for lines without')
    .action(async (name: string, options: SessionOptions & LogOptions) => {
      await printLogs(await openSession(options, host), name, options);
    });
}

function writeVerbs(app: Command, host: Host): void {
  verb(app, 'create [name]', 'create an application from flags, or from manifests with -f')
    .option('-f, --file <path>', 'manifests of Applications; - reads standard input')
    .option('--repo <url>', 'Git repository')
    .option('--path <dir>', 'folder in the repository')
    .option('--revision <revision>', 'branch, tag or commit to follow')
    .option('--dest-server <url>', 'cluster by URL')
    .option('--dest-name <name>', 'cluster by name')
    .option('--dest-namespace <name>', 'namespace for objects that name none')
    .option('--project <name>', 'project')
    .option('--sync-policy <policy>', 'automated or none')
    .option('--auto-prune', 'delete what is no longer in Git')
    .option('--self-heal', 'revert changes made by hand')
    .option('--sync-option <option>', 'such as CreateNamespace=true', collect)
    .option('--directory-recurse', 'read subfolders too')
    .option('--upsert', 'replace the spec of one that exists')
    .action(async (name: string | undefined, options: SessionOptions & CreateOptions) => {
      await createApplications(await openSession(options, host), name, options);
    });
  verb(app, 'delete <name>', 'delete an application with its resources')
    .option('--no-cascade', 'leave its resources')
    .action(async (name: string, options: SessionOptions & { readonly cascade: boolean }) => {
      await deleteApplication(await openSession(options, host), name, options.cascade);
    });
  const following = (command: Command): Command =>
    command.option('--async', 'ask for it and do not wait').option('--timeout <seconds>', 'give up following after this time', seconds);
  following(verb(app, 'sync <name>', 'deploy what Git asks for and follow it to the end'))
    .option('--revision <revision>', 'deploy this commit, tag or branch')
    .option('--prune', 'delete what is no longer in Git')
    .option('--dry-run', 'only ask the API what would happen')
    .option('--force', 'replace objects that cannot be changed')
    .option('--resource <group:kind:name>', 'only this object', collect)
    .option('--sync-option <option>', 'such as Replace=true', collect)
    .option('--plan <hash>', 'carry out exactly the plan shown by `app plan`, or refuse')
    .action(async (name: string, options: SessionOptions & SyncOptions) => {
      await syncApplication(await openSession(options, host), name, options);
    });
  following(verb(app, 'rollback <name> [id]', 'return to an earlier deployment; automation then waits for the next commit'))
    .option('--run <name>', 'to what this run deployed')
    .option('--prune', 'delete what was not there then')
    .option('--reason <text>', 'kept with the run')
    .action(async (name: string, id: string | undefined, options: SessionOptions & RollbackOptions) => {
      await rollbackApplication(await openSession(options, host), name, id, options);
    });
  verb(app, 'wait <name>', 'wait until an application is Synced, Healthy and idle')
    .option('--sync', 'only for Synced')
    .option('--health', 'only for Healthy')
    .option('--operation', 'only for the end of the operation')
    .option('--timeout <seconds>', 'give up after this time', seconds)
    .action(async (name: string, options: SessionOptions & WaitOptions) => {
      await waitForApplication(await openSession(options, host), name, options);
    });
  simple(app, host, 'terminate <name>', 'end the operation under way', async ({ api }, name) => {
    await api.call({ method: 'DELETE', path: `/api/v1/applications/${encodeURIComponent(name)}/operation` });
    host.stdout('termination requested\n');
  });
  simple(app, host, 'unpin <name>', 'let automation go on after a rollback', async ({ api }, name) => {
    await api.call({ method: 'DELETE', path: `/api/v1/applications/${encodeURIComponent(name)}/pin` });
    host.stdout('automation goes on\n');
  });
}

function actionVerbs(app: Command, host: Host): void {
  const actions = app.command('actions').description('what can be done with a resource besides deploying it');
  const target = (command: Command): Command =>
    command
      .requiredOption('--kind <kind>', 'kind of the resource')
      .requiredOption('--resource-name <name>', 'name of the resource')
      .option('--group <group>', 'API group of the kind')
      .option('--namespace <name>', 'namespace of the resource');
  target(verb(actions, 'list <name>', 'list the actions of a resource')).action(async (name: string, options: SessionOptions & ActionTarget) => {
    await listResourceActions(await openSession(options, host), name, options);
  });
  target(verb(actions, 'run <name> <action>', 'do something with a resource'))
    .option('--param <name=value>', 'a parameter of the action', collect)
    .action(async (name: string, action: string, options: SessionOptions & ActionTarget & { readonly param?: readonly string[] }) => {
      await runResourceAction(await openSession(options, host), name, { ...options, action, parameters: options.param ?? [] });
    });
}

function simple(app: Command, host: Host, name: string, description: string, action: (session: ClientSession, name: string) => Promise<void>): void {
  verb(app, name, description).action(async (target: string, options: SessionOptions) => {
    await action(await openSession(options, host), target);
  });
}
