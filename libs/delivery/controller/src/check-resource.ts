import { checkResource, type Application } from '@tiphys/delivery-applications';
import { describeRef, refOf, type KubeObject, type ObjectRef } from '@tiphys/kube-model';
import type { Cluster } from './cluster.ts';
import { DeliveryError } from './delivery-error.ts';
import type { Target } from './gather.ts';
import { mustBePermitted, projectOf, type ProjectDeps } from './projects.ts';

/** Project rules at the moment of writing: why an object may not be written to a target. */
export function checkResourceOf({ project, cluster }: Target): (ref: ObjectRef, namespaced: boolean) => string | undefined {
  return (ref, namespaced) => checkResource(project, ref, namespaced, cluster) ?? cluster.refusal(ref, namespaced);
}

/** The same by the project as it is when each object is written: it may have been narrowed since the plan was made. */
export function checkNow(application: Application, cluster: Cluster, deps: ProjectDeps): (ref: ObjectRef, namespaced: boolean) => string | undefined {
  return (ref, namespaced) => {
    try {
      const project = projectOf(application, deps);
      mustBePermitted(application, project, cluster, deps.namespace);
      return checkResourceOf({ project, cluster })(ref, namespaced);
    } catch (error) {
      if (!(error instanceof DeliveryError)) throw error;
      return `${describeRef(ref)}: ${error.message}`;
    }
  };
}

/** Whether an application may have to do with an object at all; of a kind that is not known the manifest says whether it has a namespace. */
export function isPermittedOf(target: Target): (object: KubeObject) => boolean {
  const check = checkResourceOf(target);
  return (object) => {
    const namespaced = target.cluster.kinds.known(object.apiVersion, object.kind)?.namespaced ?? object.metadata.namespace !== undefined;
    return check(refOf(object), namespaced) === undefined;
  };
}
