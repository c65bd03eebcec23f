import type { Command } from 'commander';
import { listResourceActions, runResourceAction, type ActionTarget } from '../cli/app-actions.ts';
import { openSession, type Host } from '../cli/session.ts';
import { collect, onApplication, qualified, verb, withAppNamespace, type ApplicationOptions } from './app-options.ts';

/** `tiphys app actions …`. */
export function actionVerbs(app: Command, host: Host): void {
  const actions = app.command('actions').description('what can be done with a resource besides deploying it');
  onApplication<ActionTarget>(target(verb(actions, 'list <name>', 'list the actions of a resource')), host, listResourceActions);
  withAppNamespace(target(verb(actions, 'run <name> <action>', 'do something with a resource')))
    .option('--param <name=value>', 'a parameter of the action', collect)
    .action(async (name: string, action: string, options: ApplicationOptions & ActionTarget & { readonly param?: readonly string[] }) => {
      await runResourceAction(await openSession(options, host), qualified(name, options), { ...options, action, parameters: options.param ?? [] });
    });
}

function target(command: Command): Command {
  return command
    .requiredOption('--kind <kind>', 'kind of the resource')
    .requiredOption('--resource-name <name>', 'name of the resource')
    .option('--group <group>', 'API group of the kind')
    .option('--namespace <name>', 'namespace of the resource');
}
