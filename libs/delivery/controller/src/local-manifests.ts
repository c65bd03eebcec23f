import { isAutomated, type Application, type RunOptions } from '@tiphys/delivery-applications';
import { formatProblem, parseManifests } from '@tiphys/kube-yaml';
import type { KubeObject } from '@tiphys/kube-model';
import { DeliveryError } from './delivery-error.ts';

/** Manifests that came with a request, instead of from the sources. */
export interface LocalManifests {
  readonly objects: readonly KubeObject[];
  readonly problems: readonly string[];
}

/** Reads the manifests of a request, one JSON or YAML text each. */
export function readLocalManifests(manifests: readonly string[]): LocalManifests {
  const parsed = manifests.map((text, index) => parseManifests(text, { source: `manifest ${index + 1} of the request` }));
  return {
    objects: parsed.flatMap(({ objects }) => objects.map(({ object }) => object)),
    problems: parsed.flatMap(({ problems }) => problems.map(formatProblem)),
  };
}

/** Throws DeliveryError `invalidSpec` for manifests that automation would undo at once (application.go Sync). */
export function mustAdmitManifests({ metadata, spec }: Application, { manifests, dryRun }: RunOptions): void {
  if (manifests === undefined || dryRun === true || !isAutomated(spec)) return;
  throw new DeliveryError(
    { code: 'invalidSpec' },
    `application ${metadata.name ?? ''}: cannot sync local manifests while automated sync is on, unless for a dry run`,
    {
      hint: 'switch automation off, or ask for a dry run',
    },
  );
}
