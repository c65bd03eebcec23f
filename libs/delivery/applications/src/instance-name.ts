import type { ObjectKey, KubeObject } from '@tiphys/kube-model';

/**
 * The name an application is known by throughout one controller: its own in the controller's namespace, `<namespace>_<name>` in any
 * other (argo-cd Application.InstanceName). It is what tracking ids carry; names cannot hold an underscore, so it can be read back.
 */
export function instanceName({ metadata }: Pick<KubeObject, 'metadata'>, controllerNamespace: string): string {
  const { name = '', namespace = controllerNamespace } = metadata;
  return namespace === controllerNamespace ? name : `${namespace}_${name}`;
}

/** Where the application of an instance name lives. */
export function instanceKey(instance: string, controllerNamespace: string): ObjectKey & { readonly namespace: string } {
  const separator = instance.indexOf('_');
  return separator < 0 ? { namespace: controllerNamespace, name: instance } : { namespace: instance.slice(0, separator), name: instance.slice(separator + 1) };
}
