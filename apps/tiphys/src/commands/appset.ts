import { Command } from 'commander';
import { createSets, deleteSet, generateSet, listSets, showSet } from '../cli/appset.ts';
import { openSession, withClientOptions, type Host } from '../cli/session.ts';

interface SessionOptions {
  readonly server?: string;
  readonly token?: string;
  readonly output?: string;
}

/** `tiphys appset …`. */
export function appsetCommand(host: Host): Command {
  const appset = new Command('appset').description('ApplicationSets: many applications from one template');
  const verb = (name: string, description: string): Command => withClientOptions(appset.command(name).description(description));
  verb('list', 'list sets and how many applications they have').action(async (options: SessionOptions) => {
    await listSets(await openSession(options, host));
  });
  verb('get <name>', 'show a set, its conditions and its applications').action(async (name: string, options: SessionOptions) => {
    await showSet(await openSession(options, host), name);
  });
  verb('create <file>', 'create the sets of a file')
    .option('--upsert', 'change those that exist')
    .option('--dry-run', 'print what they would generate, and write nothing')
    .action(async (file: string, options: SessionOptions & { readonly upsert?: boolean; readonly dryRun?: boolean }) => {
      const session = await openSession(options, host);
      if (options.dryRun === true) await generateSet(session, file);
      else await createSets(session, file, options.upsert === true);
    });
  verb('generate <file>', 'print the applications the sets of a file would generate').action(async (file: string, options: SessionOptions) => {
    await generateSet(await openSession(options, host), file);
  });
  verb('delete <name>', 'delete a set; its applications go with it').action(async (name: string, options: SessionOptions) => {
    await deleteSet(await openSession(options, host), name);
  });
  return appset;
}
