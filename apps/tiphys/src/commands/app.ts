import { Command } from 'commander';
import type { Host } from '../cli/session.ts';
import { actionVerbs } from './app-actions.ts';
import { readVerbs } from './app-read.ts';
import { operationVerbs, specVerbs } from './app-write.ts';

/** `tiphys app …`. */
export function appCommand(host: Host): Command {
  const app = new Command('app').description('applications: what is deployed from where');
  readVerbs(app, host);
  specVerbs(app, host);
  operationVerbs(app, host);
  actionVerbs(app, host);
  return app;
}
