import type { KubeObject } from '@tiphys/kube-model';

const MASK = '++++++++';
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** The object as it may leave the process: a Secret keeps its keys and loses every value, also those kubectl keeps in its annotation. */
export function maskSecret(object: KubeObject): KubeObject {
  if (object.kind !== 'Secret' || object.apiVersion !== 'v1') return object;
  const fields = object as KubeObject & { readonly data?: object; readonly stringData?: object };
  const { annotations } = object.metadata;
  return {
    ...object,
    metadata: annotations?.[LAST_APPLIED] === undefined ? object.metadata : { ...object.metadata, annotations: { ...annotations, [LAST_APPLIED]: MASK } },
    ...(fields.data === undefined ? {} : { data: masked(fields.data) }),
    ...(fields.stringData === undefined ? {} : { stringData: masked(fields.stringData) }),
  };
}

function masked(values: object): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.keys(values).map((key) => [key, MASK]));
}
