import { Command, Option } from 'commander';
import { CliError } from '../cli/cli-error.ts';
import type { Host } from '../cli/session.ts';
import type { RenderJob } from '../render/render-local.ts';

interface RenderOptions {
  readonly batch?: boolean;
  readonly tool?: RenderJob['tool'];
  readonly release?: string;
  readonly namespace?: string;
  readonly values?: readonly string[];
  readonly set?: readonly string[];
  readonly kubeVersion?: string;
  readonly apiVersions?: readonly string[];
  readonly includeCrds?: boolean;
  readonly dependencyUpdate?: boolean;
  readonly compat?: RenderJob['compat'];
}

const collect = (value: string, previous: readonly string[] | undefined): readonly string[] => [...(previous ?? []), value];

/** `tiphys render`: what a source would apply, without a server. */
export function renderCommand(host: Host): Command {
  return new Command('render')
    .description('print what a folder would apply, for any source tool; --batch answers one JSON request a line')
    .argument('[path]', 'folder to render')
    .option('--batch', 'read requests from standard input: {id, path, tool, release, namespace, valuesFiles, set, kubeVersion, apiVersions, includeCRDs}')
    .addOption(new Option('--tool <tool>', 'default: found by what is in the folder').choices(['helm', 'kustomize', 'jsonnet', 'directory']))
    .option('--release <name>', 'release name of a chart')
    .option('--namespace <name>', 'namespace of the release')
    .option('-f, --values <file>', 'values file', collect)
    .option('--set <k=v>', 'value', collect)
    .option('--kube-version <version>', 'version of the target')
    .option('--api-versions <version>', 'API the target serves', collect)
    .option('--include-crds', "print the chart's crds/ too")
    .option('--dependency-update', 'take subcharts that are missing from the folders their file:// repositories name')
    .addOption(new Option('--compat <helm>', 'which Helm to follow').choices(['helm4', 'helm3']))
    .action(async (path: string | undefined, options: RenderOptions) => {
      if (options.batch === true) {
        const { renderBatch } = await import('../render/batch.ts');
        await renderBatch(process.stdin, host.stdout);
        return;
      }
      if (path === undefined) throw new CliError({ code: 'usage' }, 'render: needs a folder, or --batch');
      const { renderLocal } = await import('../render/render-local.ts');
      const { values, includeCrds, batch: _, ...rest } = options;
      host.stdout(await renderLocal({ path, valuesFiles: values, includeCRDs: includeCrds, ...rest }));
    });
}
