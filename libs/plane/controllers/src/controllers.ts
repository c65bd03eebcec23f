import type { Service } from '@tiphys/kernel';
import { createDeploymentController } from './deployment/deployment.ts';
import { createDisruptionController } from './disruption/disruption.ts';
import { createEndpointsController } from './endpoints.ts';
import { createGarbageCollector } from './gc/garbage-collector.ts';
import { createJobController } from './job/job.ts';
import type { ControllerDeps } from './kinds.ts';
import { createLoadBalancerController } from './load-balancer.ts';
import { createNamespaceController } from './namespace.ts';
import { createRootCaPublisher, createServiceAccountController } from './namespace-defaults.ts';
import { createNodeTaintController } from './node-taints.ts';
import { createPodGcController } from './pod-gc.ts';
import { createResourceQuotaController } from './quota/resource-quota.ts';
import { createReplicaSetController } from './replica-set.ts';
import { createStatefulSetController } from './stateful-set/stateful-set.ts';
import { createClaimProtectionController, createVolumeProtectionController } from './volume-protection.ts';

/** What the controllers need besides the API. */
export interface ControllersOptions extends ControllerDeps {
  /** The certificate authority of the API server, published to every namespace: the API server gives every pod a volume that needs it. */
  readonly rootCaPem: string;
}

/** Every controller of the control plane, to be run beside each other under one supervisor. The informers are run by the caller. */
export function createControllers(options: ControllersOptions): readonly Service[] {
  return [
    createNamespaceController(options),
    createServiceAccountController(options),
    createRootCaPublisher(options, options.rootCaPem),
    createReplicaSetController(options),
    createDeploymentController(options),
    createStatefulSetController(options),
    createJobController(options),
    createEndpointsController(options),
    createLoadBalancerController(options),
    createGarbageCollector(options),
    createPodGcController(options),
    createClaimProtectionController(options),
    createVolumeProtectionController(options),
    createResourceQuotaController(options),
    createDisruptionController(options),
    createNodeTaintController(options),
  ];
}
