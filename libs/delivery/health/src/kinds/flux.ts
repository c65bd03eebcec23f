import { fieldAt, type KubeObject } from '@tiphys/kube-model';
import { health, type Assess, type Health } from '../health.ts';
import { byConditions, firstOf, forKinds, type RuleTable } from '../rules/rule.ts';
import { hasStatus, spaced } from '../rules/status.ts';

// Flux (fluxcd.io docs, "Status conditions"): Ready carries the reason; Unknown means that it is at work.
function assessFlux(kind: string): Assess {
  return firstOf(
    (live) => (fieldAt(live, 'spec', 'suspend') === true ? health('Suspended', `${kind} is suspended`) : undefined),
    byConditions({
      clauses: [
        { type: 'Ready', status: 'True', is: 'Healthy', say: ({ reason }) => reason },
        { type: 'Ready', status: 'False', is: 'Degraded', say: ({ reason }) => reason },
        { type: 'Ready', is: 'Progressing', say: ({ reason }) => reason },
      ],
      waiting: `Waiting for ${spaced(kind)}`,
    }),
  );
}

// Sources of type oci, and notification objects since v1beta3, are static: no controller reports on them.
function statusless(isStatic: (live: KubeObject) => boolean, words: string): (live: KubeObject) => Health | undefined {
  return (live) => (isStatic(live) && !hasStatus(live) ? health('Healthy', words) : undefined);
}

const isV1Beta3 = ({ apiVersion }: KubeObject): boolean => apiVersion.endsWith('/v1beta3');
const SILENT = 'This version of the kind does not contain any information in the status.';

/** Flux's kinds. */
export const fluxRules: RuleTable = {
  ...forKinds('helm.toolkit.fluxcd.io', ['HelmRelease'], assessFlux),
  ...forKinds('kustomize.toolkit.fluxcd.io', ['Kustomization'], assessFlux),
  ...forKinds('image.toolkit.fluxcd.io', ['ImagePolicy', 'ImageRepository', 'ImageUpdateAutomation'], assessFlux),
  ...forKinds('source.toolkit.fluxcd.io', ['Bucket', 'ExternalArtifact', 'GitRepository', 'HelmChart', 'OCIRepository'], assessFlux),
  'source.toolkit.fluxcd.io/HelmRepository': firstOf(
    statusless((live) => fieldAt(live, 'spec', 'type') === 'oci', "Helm repositories of type 'oci' do not contain any information in the status."),
    assessFlux('HelmRepository'),
  ),
  ...forKinds('notification.toolkit.fluxcd.io', ['Alert', 'Provider'], (kind) => firstOf(statusless(isV1Beta3, SILENT), assessFlux(kind))),
  ...forKinds('notification.toolkit.fluxcd.io', ['Receiver'], assessFlux),
  ...forKinds('infra.contrib.fluxcd.io', ['Terraform'], assessFlux),
};
