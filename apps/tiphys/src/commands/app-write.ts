import type { Command } from 'commander';
import { applicationCall } from '../cli/application-name.ts';
import { confirmDeletion, editSpec, patchApplication, setSpec, unsetSpec } from '../cli/app-edit.ts';
import type { SpecOptions, UnsetOptions } from '../cli/app-spec.ts';
import { syncApplications, type SyncOptions } from '../cli/app-sync.ts';
import {
  createApplications,
  deleteApplication,
  rollbackApplication,
  waitForApplication,
  type CreateOptions,
  type RollbackOptions,
  type WaitOptions,
} from '../cli/app-write.ts';
import { openSession, type Host } from '../cli/session.ts';
import { collect, onApplication, qualified, seconds, verb, wholeNumber, withAppNamespace, withSpecOptions, type ApplicationOptions } from './app-options.ts';

/** The verbs of `tiphys app` that change what an application is. */
export function specVerbs(app: Command, host: Host): void {
  withAppNamespace(withSpecOptions(verb(app, 'create [name]', 'create an application from flags, or from manifests with -f')))
    .option('-f, --file <path>', 'manifests of Applications; - reads standard input')
    .option('--label <name=value>', 'label of the application', collect)
    .option('--annotations <name=value>', 'annotation of the application', collect)
    .option('--set-finalizer', 'delete its resources with it')
    .option('--upsert', 'replace the spec of one that exists')
    .action(async (name: string | undefined, options: CreateOptions & ApplicationOptions) => {
      await createApplications(await openSession(options, host), name === undefined ? undefined : qualified(name, options), options);
    });
  onApplication<SpecOptions>(
    withSpecOptions(verb(app, 'set <name>', 'change parts of an application')).option(
      '--source-position <number>',
      'which of several sources, from 1',
      wholeNumber,
    ),
    host,
    setSpec,
  );
  onApplication<UnsetOptions>(
    verb(app, 'unset <name>', 'take parts of an application away')
      .option('-p, --parameter <name>', 'Helm parameter', collect)
      .option('--values <file>', 'Helm values file', collect)
      .option('--values-literal', 'Helm values kept in the application')
      .option('--nameprefix', 'Kustomize name prefix')
      .option('--namesuffix', 'Kustomize name suffix')
      .option('--kustomize-image <image>', 'Kustomize image', collect)
      .option('--ref', 'the name of the source')
      .option('--source-position <number>', 'which of several sources, from 1', wholeNumber),
    host,
    unsetSpec,
  );
  onApplication(verb(app, 'edit <name>', 'change the spec of an application in an editor (env VISUAL, EDITOR)'), host, editSpec);
  onApplication<{ readonly patch: string; readonly type?: string }>(
    verb(app, 'patch <name>', 'change an application by a patch')
      .requiredOption('--patch <json>', 'the patch')
      .option('--type <type>', 'json or merge', 'json'),
    host,
    patchApplication,
  );
  onApplication<{ readonly cascade: boolean; readonly propagationPolicy?: string }>(
    verb(app, 'delete <name>', 'delete an application with its resources')
      .option('--no-cascade', 'leave its resources')
      .option('--propagation-policy <policy>', 'foreground or background'),
    host,
    deleteApplication,
  );
  onApplication(verb(app, 'confirm-deletion <name>', 'approve deletions and prunes that wait for a person'), host, confirmDeletion);
}

/** The verbs of `tiphys app` that make something happen. */
export function operationVerbs(app: Command, host: Host): void {
  syncVerb(app, host);
  following(verb(app, 'rollback <name> [id]', 'return to an earlier deployment; automation then waits for the next commit'))
    .option('-N, --app-namespace <name>', 'namespace of the application')
    .option('--run <name>', 'to what this run deployed')
    .option('--prune', 'delete what was not there then')
    .option('--reason <text>', 'kept with the run')
    .action(async (name: string, id: string | undefined, options: RollbackOptions & ApplicationOptions) => {
      await rollbackApplication(await openSession(options, host), qualified(name, options), id, options);
    });
  onApplication<WaitOptions>(
    verb(app, 'wait <name>', 'wait until an application is Synced, Healthy and idle')
      .option('--sync', 'only for Synced')
      .option('--health', 'only for Healthy')
      .option('--operation', 'only for the end of the operation')
      .option('--timeout <seconds>', 'give up after this time', seconds),
    host,
    waitForApplication,
  );
  onApplication(verb(app, 'terminate <name>', 'end the operation under way').alias('terminate-op'), host, async ({ api }, name) => {
    await api.call({ method: 'DELETE', ...applicationCall(name, '/operation') });
    host.stdout('termination requested\n');
  });
  onApplication(verb(app, 'unpin <name>', 'let automation go on after a rollback'), host, async ({ api }, name) => {
    await api.call({ method: 'DELETE', ...applicationCall(name, '/pin') });
    host.stdout('automation goes on\n');
  });
}

function syncVerb(app: Command, host: Host): void {
  following(verb(app, 'sync [names...]', 'deploy what Git asks for and follow it to the end'))
    .option('-N, --app-namespace <name>', 'namespace of the applications')
    .option('-l, --selector <labels>', 'applications with these labels')
    .option('--project <name>', 'applications of this project', collect)
    .option('--revision <revision>', 'deploy this commit, tag or branch')
    .option('--revisions <revision>', 'the same for each of several sources, in order', collect)
    .option('--prune', 'delete what is no longer in Git')
    .option('--dry-run', 'only ask the API what would happen')
    .option('--force', 'replace objects that cannot be changed')
    .option('--replace', 'replace instead of apply')
    .option('--server-side', 'apply on the server')
    .option('--apply-out-of-sync-only', 'leave alone what is in sync')
    .option('--strategy <strategy>', 'apply (without hooks) or hook')
    .option('--resource <group:kind:name>', 'only this object; * for any, ! in front to leave out', collect)
    .option('--label <labels>', 'only objects with these labels', collect)
    .option('--sync-option <option>', 'such as Replace=true', collect)
    .option('--local <dir>', 'deploy what a folder of this machine renders to')
    .option('--info <name=value>', 'kept with the run', collect)
    .option('--retry-limit <count>', 'attempts after a failed one; negative for no end', wholeNumber)
    .option('--retry-backoff-duration <duration>', 'wait before the second attempt')
    .option('--retry-backoff-factor <factor>', 'growth of that wait', wholeNumber)
    .option('--retry-backoff-max-duration <duration>', 'longest wait')
    .option('--retry-refresh', 'use the newest revision for further attempts')
    .option('--plan <hash>', 'carry out exactly the plan shown by `app plan`, or refuse')
    .action(async (names: readonly string[], options: SyncOptions & ApplicationOptions) => {
      await syncApplications(
        await openSession(options, host),
        names.map((name) => qualified(name, options)),
        options,
      );
    });
}

function following(command: Command): Command {
  return command.option('--async', 'ask for it and do not wait').option('--timeout <seconds>', 'give up following after this time', seconds);
}
