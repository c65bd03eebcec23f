import { InvalidArgumentError, type Command } from 'commander';
import { openSession, withClientOptions, type ClientSession, type Host, type SessionOptions } from '../cli/session.ts';

/** Options that open a session and name where the application lives. */
export interface ApplicationOptions extends SessionOptions {
  readonly appNamespace?: string;
}

/** Reads a number of seconds. */
export function seconds(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new InvalidArgumentError('must be a number of seconds');
  return value;
}

/** Reads a whole number, also a negative one. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value)) throw new InvalidArgumentError('must be a whole number');
  return value;
}

/** Collects the values of an option that may be given many times. */
export function collect(value: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), value];
}

/** A verb with the options every client command has. */
export function verb(parent: Command, name: string, description: string): Command {
  return withClientOptions(parent.command(name).description(description));
}

/** A verb about one application: its name may be `namespace/name`, or the namespace may be given apart. */
export function onApplication<O extends object = object>(
  command: Command,
  host: Host,
  action: (session: ClientSession, name: string, options: O) => Promise<void>,
): Command {
  return withAppNamespace(command).action(async (name: string, options: ApplicationOptions & O) => {
    await action(await openSession(options, host), qualified(name, options), options);
  });
}

/** Adds the option that names the namespace of an application. */
export function withAppNamespace(command: Command): Command {
  return command.option('-N, --app-namespace <name>', "namespace of the application, where it is not the controller's");
}

/** A name with the namespace that was given apart. */
export function qualified(name: string, { appNamespace }: { readonly appNamespace?: string }): string {
  return appNamespace === undefined ? name : `${appNamespace}/${name}`;
}

/** Adds the options that say what an application is made from, where it goes and how it is synced. */
export function withSpecOptions(command: Command): Command {
  return command
    .option('--repo <url>', 'Git or chart repository')
    .option('--path <dir>', 'folder in the repository')
    .option('--revision <revision>', 'branch, tag, commit or chart version to follow')
    .option('--helm-chart <name>', 'chart in a chart repository')
    .option('--ref <name>', 'name by which other sources refer to this one')
    .option('--dest-server <url>', 'cluster by URL')
    .option('--dest-name <name>', 'cluster by name')
    .option('--dest-namespace <name>', 'namespace for objects that name none')
    .option('--project <name>', 'project')
    .option('--sync-policy <policy>', 'automated or none')
    .option('--auto-prune', 'delete what is no longer in Git')
    .option('--self-heal', 'revert changes made by hand')
    .option('--allow-empty', 'let automation delete everything when a render is empty')
    .option('--sync-option <option>', 'such as CreateNamespace=true; !Option=value takes one away', collect)
    .option('--sync-retry-limit <count>', 'attempts after a failed one; negative for no end', wholeNumber)
    .option('--sync-retry-backoff-duration <duration>', 'wait before the second attempt, such as 5s')
    .option('--sync-retry-backoff-factor <factor>', 'growth of that wait', wholeNumber)
    .option('--sync-retry-backoff-max-duration <duration>', 'longest wait, such as 3m')
    .option('--sync-retry-refresh', 'use the newest revision for further attempts')
    .option('--revision-history-limit <count>', 'deployments kept to roll back to', wholeNumber)
    .option('--directory-recurse', 'read subfolders too')
    .option('--directory-include <glob>', 'only these files')
    .option('--directory-exclude <glob>', 'not these files')
    .option('--release-name <name>', 'Helm release')
    .option('--values <file>', 'Helm values file of the repository', collect)
    .option('--values-literal-file <path>', 'Helm values of this machine, kept in the application')
    .option('-p, --parameter <name=value>', 'Helm parameter', collect)
    .option('--helm-set-string <name=value>', 'Helm parameter that stays a text', collect)
    .option('--helm-skip-crds', 'leave out the definitions of a chart')
    .option('--nameprefix <text>', 'Kustomize name prefix')
    .option('--namesuffix <text>', 'Kustomize name suffix')
    .option('--kustomize-image <image>', 'Kustomize image', collect)
    .option('--kustomize-namespace <name>', 'Kustomize namespace');
}
