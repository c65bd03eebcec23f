import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { createPluginHost, parsePlugins, type PluginUser } from '@tiphys/delivery-plugins';
import type { PluginHost } from '@tiphys/delivery-render';
import { messageOf } from '@tiphys/kernel';
import { CliError } from '../cli/cli-error.ts';
import type { Host } from '../cli/session.ts';

/** Options of commands that render sources. */
export interface RenderOptions {
  readonly plugins: readonly string[];
  readonly pluginUser?: PluginUser;
  readonly remoteBases: readonly string[];
  readonly generatorUrls: readonly string[];
  readonly kustomizeEnableHelm?: boolean;
}

// Debian's and everybody's nobody.
const NOBODY: PluginUser = { uid: 65_534, gid: 65_534 };

/** Adds the options of commands that render sources. */
export function withRenderOptions(command: Command): Command {
  const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];
  return command
    .addOption(new Option('--plugins <file>', 'ConfigManagementPlugin file to offer to applications; may be repeated').argParser(collect).default([], 'none'))
    .option('--kustomize-enable-helm', 'let kustomizations inflate charts')
    .option('--plugin-user <uid:gid>', 'whom plugins run as (default: nobody where started as root, else you)', parseUser)
    .addOption(
      new Option(
        '--remote-bases <pattern>',
        'repositories and files over HTTP that Kustomize may build on besides the own ones, as in sourceRepos; may be repeated',
      )
        .argParser(collect)
        .default([], 'none'),
    )
    .addOption(
      new Option('--generator-urls <pattern>', 'addresses that generators of ApplicationSets may call; may be repeated').argParser(collect).default([], 'all'),
    );
}

function parseUser(text: string): PluginUser {
  const match = /^(\d+):(\d+)$/.exec(text);
  if (match === null) throw new InvalidArgumentError('must be two numbers such as 1000:1000');
  return { uid: Number(match[1]), gid: Number(match[2]) };
}

/** The plugins that were listed; undefined where there are none. Throws CliError, PluginConfigError. */
export async function openPlugins({ plugins, pluginUser }: RenderOptions, host: Host): Promise<PluginHost | undefined> {
  if (plugins.length === 0) return undefined;
  const listed = await Promise.all(
    plugins.map(async (file) => {
      const text = await readFile(file, 'utf8').catch((cause: unknown) => {
        throw new CliError({ code: 'usage' }, `--plugins ${file}: ${messageOf(cause)}`, { cause });
      });
      return parsePlugins(text, file);
    }),
  );
  const user = pluginUser ?? (process.getuid?.() === 0 ? NOBODY : undefined);
  return createPluginHost({ plugins: listed.flat(), user, searchPath: host.env['PATH'] ?? '/usr/bin:/bin', temporaryFolder: tmpdir() });
}
