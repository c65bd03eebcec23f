import type { Command } from 'commander';
import { printLogs, type LogOptions } from '../cli/app-logs.ts';
import { diffApplication, diffLocal, listApplications, listResources, planApplication, showApplication, showHistory, showManifests } from '../cli/app-read.ts';
import { localManifests } from '../cli/app-sync.ts';
import { openSession, type Host } from '../cli/session.ts';
import { onApplication, verb } from './app-options.ts';

/** The verbs of `tiphys app` that only look. */
export function readVerbs(app: Command, host: Host): void {
  verb(app, 'list', 'list applications')
    .option('-p, --project <name>', 'only of this project')
    .option('--sync <status>', 'only with this sync status')
    .option('--health <status>', 'only with this health')
    .option('-l, --selector <labels>', 'only with these labels')
    .option('--repo <url>', 'only from this repository')
    .option('-N, --app-namespace <name>', 'only of this namespace')
    .action(async (options: Readonly<Record<string, string>>) => {
      const { project, sync, health, selector, repo, appNamespace } = options;
      await listApplications(await openSession(options, host), { project, sync, health, selector, repo, appNamespace });
    });
  onApplication<{ readonly refresh?: boolean; readonly hardRefresh?: boolean }>(
    verb(app, 'get <name>', 'show an application, its status and its resources')
      .option('--refresh', 'look at Git and the cluster first')
      .option('--hard-refresh', 'render anew as well'),
    host,
    (session, name, options) => showApplication(session, name, options.hardRefresh === true ? 'hard' : options.refresh === true ? 'normal' : undefined),
  );
  onApplication(verb(app, 'resources <name>', 'list the objects an application manages'), host, listResources);
  onApplication<{ readonly local?: string }>(
    verb(app, 'diff <name>', 'show what differs from Git, field by field with who set it; exits 0 when nothing, 1 when something, 2 on error').option(
      '--local <dir>',
      'compare to what a folder of this machine renders to',
    ),
    host,
    async (session, name, { local }) => {
      const differs = local === undefined ? await diffApplication(session, name) : await diffLocal(session, name, await localManifests(local, name, session));
      if (differs) host.setExitCode(1);
    },
  );
  onApplication<{ readonly revision?: string; readonly prune?: boolean }>(
    verb(app, 'plan <name>', 'show what a sync would do, with the hash `sync --plan` takes')
      .option('--revision <revision>', 'plan for this commit, tag or branch')
      .option('--prune', 'plan deletions too'),
    host,
    (session, name, { revision, prune }) =>
      planApplication(session, name, { ...(revision === undefined ? {} : { revision }), ...(prune === undefined ? {} : { prune }) }),
  );
  onApplication(verb(app, 'history <name>', 'show earlier deployments'), host, showHistory);
  onApplication<{ readonly revision?: string }>(
    verb(app, 'manifests <name>', 'print the manifests Git asks for').option('--revision <revision>', 'at this commit, tag or branch'),
    host,
    (session, name, { revision }) => showManifests(session, name, revision),
  );
  onApplication<LogOptions>(
    verb(app, 'logs <name>', 'print logs of all pods, merged')
      .option('-f, --follow', 'go on as lines are written')
      .option('--pod <name>', 'only of this pod')
      .option('-c, --container <name>', 'only of this container')
      .option('--previous', 'of the containers before the last restart')
      .option('--tail <lines>', 'only the last lines of each container')
      .option('--since <seconds>', 'only lines newer than this')
      .option('--filter <text>', 'only lines with this text; !text for lines without'),
    host,
    printLogs,
  );
}
