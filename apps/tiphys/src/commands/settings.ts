import { Command } from 'commander';
import { openSession, withClientOptions, type Host, type SessionOptions } from '../cli/session.ts';
import { addCluster, addRepository, listClusters, listRepositories } from '../cli/settings.ts';

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
    .action(async (context: string, options: SessionOptions & { readonly kubeconfig?: string; readonly name?: string }) => {
      await addCluster(await openSession(options, host), context, options);
    });
  return cluster;
}
