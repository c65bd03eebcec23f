import { fail } from '../kustomize-error.ts';
import type { IamPolicyConfig } from '../load/config-fields.ts';
import { readResources, type ReadContext } from '../load/resources.ts';
import type { Resource } from '../resource/resource.ts';

/** Makes a ServiceAccount that stands for one of Google Cloud (kustomize v5.8.1 api/filters/iampolicygenerator). Throws KustomizeError. */
export function generateIamPolicy({ cloud, kubernetesService, serviceAccount }: IamPolicyConfig, file: string, context: ReadContext): readonly Resource[] {
  if (cloud !== 'gke') return fail(`cloud provider ${cloud} not supported yet`);
  const account = {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: {
      annotations: { 'iam.gke.io/gcp-service-account': `${serviceAccount.name}@${serviceAccount.projectId}.iam.gserviceaccount.com` },
      name: kubernetesService.name,
      ...(kubernetesService.namespace === '' ? {} : { namespace: kubernetesService.namespace }),
    },
  };
  return readResources(JSON.stringify(account), file, context);
}
