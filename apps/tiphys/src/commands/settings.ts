import { Command } from 'commander';
import { openSession, withClientOptions, type Host, type SessionOptions } from '../cli/session.ts';
import { addCluster, addRepository, listClusters, listRepositories, removeCluster, type AddClusterOptions } from '../cli/settings.ts';
import { collect } from './app-options.ts';

/** `tiphys repo …`. */
export function repoCommand(host: Host): Command {
  const repo = new Command('repo').description('Git repositories and their credentials');
  withClientOptions(repo.command('list').description('list repositories and when they were last looked at')).action(async (options: SessionOptions) => {
    await listRepositories(await openSession(options, host));
  });
  withClientOptions(repo.command('add <url>').description('register a repository; the password is read from a file or TIPHYS_REPO_PASSWORD'))
    .option('--username <name>', 'user name')
    .option('--password-file <path>', 'file that holds the password or token')
    .option('--project <name>', 'only for this project')
    .action(async (url: string, options: SessionOptions & { readonly username?: string; readonly passwordFile?: string; readonly project?: string }) => {
      await addRepository(await openSession(options, host), url, options);
    });
  return repo;
}

/** `tiphys cluster …`. */
export function clusterCommand(host: Host): Command {
  const cluster = new Command('cluster').description('clusters to deploy to');
  withClientOptions(cluster.command('list').description('list clusters')).action(async (options: SessionOptions) => {
    await listClusters(await openSession(options, host));
  });
  withClientOptions(cluster.command('add <context>').description('register the cluster of a kubeconfig context'))
    .option('--kubeconfig <path>', 'kubeconfig to read (env KUBECONFIG)')
    .option('--name <name>', 'name to register it by')
    .option('--project <name>', 'project it is registered for')
    .option('--namespace <name>', 'manage only this namespace', collect)
    .option('--cluster-resources', 'manage cluster-scoped kinds although only namespaces are managed')
    .action(async (context: string, options: SessionOptions & AddClusterOptions) => {
      await addCluster(await openSession(options, host), context, options);
    });
  withClientOptions(cluster.command('rm <server>').description('register a cluster no more; what runs there goes on')).action(
    async (server: string, options: SessionOptions) => {
      await removeCluster(await openSession(options, host), server);
    },
  );
  return cluster;
}
