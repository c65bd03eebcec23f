import type { TestAnswer, TestServer } from '../test-server.test-suite.ts';

/** A JSON object of a test. */
export type Json = Readonly<Record<string, unknown>>;

/** Where objects of a kind are. */
export const PATHS: Readonly<Record<string, string>> = {
  Pod: '/api/v1/namespaces/default/pods',
  Service: '/api/v1/namespaces/default/services',
  ConfigMap: '/api/v1/namespaces/default/configmaps',
  Secret: '/api/v1/namespaces/default/secrets',
  Endpoints: '/api/v1/namespaces/default/endpoints',
  Event: '/api/v1/namespaces/default/events',
  LimitRange: '/api/v1/namespaces/default/limitranges',
  ResourceQuota: '/api/v1/namespaces/default/resourcequotas',
  Node: '/api/v1/nodes',
  PersistentVolume: '/api/v1/persistentvolumes',
  PersistentVolumeClaim: '/api/v1/namespaces/default/persistentvolumeclaims',
  ReplicationController: '/api/v1/namespaces/default/replicationcontrollers',
  Deployment: '/apis/apps/v1/namespaces/default/deployments',
  DaemonSet: '/apis/apps/v1/namespaces/default/daemonsets',
  StatefulSet: '/apis/apps/v1/namespaces/default/statefulsets',
  APIService: '/apis/apiregistration.k8s.io/v1/apiservices',
  Job: '/apis/batch/v1/namespaces/default/jobs',
  CronJob: '/apis/batch/v1/namespaces/default/cronjobs',
  HorizontalPodAutoscaler: '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers',
  Ingress: '/apis/networking.k8s.io/v1/namespaces/default/ingresses',
  NetworkPolicy: '/apis/networking.k8s.io/v1/namespaces/default/networkpolicies',
  EndpointSlice: '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices',
  PodDisruptionBudget: '/apis/policy/v1/namespaces/default/poddisruptionbudgets',
  Role: '/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles',
  ClusterRoleBinding: '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
  StorageClass: '/apis/storage.k8s.io/v1/storageclasses',
  PriorityClass: '/apis/scheduling.k8s.io/v1/priorityclasses',
  Lease: '/apis/coordination.k8s.io/v1/namespaces/default/leases',
  ValidatingWebhookConfiguration: '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations',
  MutatingWebhookConfiguration: '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
  ValidatingAdmissionPolicy: '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies',
  ValidatingAdmissionPolicyBinding: '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings',
  MutatingAdmissionPolicy: '/apis/admissionregistration.k8s.io/v1alpha1/mutatingadmissionpolicies',
  CertificateSigningRequest: '/apis/certificates.k8s.io/v1/certificatesigningrequests',
};

/** The version of a kind. */
export function apiVersionOf(kind: string): string {
  const [, root, group, version] = (PATHS[kind] ?? '').split('/');
  return root === 'api' ? (group ?? '') : `${group}/${version}`;
}

/** Creates an object by dry run. */
export function create(t: TestServer, kind: string, fields: Json, name = 'x'): Promise<TestAnswer> {
  return t.call('POST', `${PATHS[kind]}?dryRun=All`, { body: { apiVersion: apiVersionOf(kind), kind, metadata: { name }, ...fields } });
}

/** Every problem as `field: message`. */
export function problemsOf({ body }: TestAnswer): readonly string[] {
  return (body.details?.causes ?? []).map((cause: Json) => `${String(cause['field'])}: ${String(cause['message'])}`);
}

/** Parts of objects. */
export const container = (extra: Json = {}): Json => ({ name: 'c', image: 'x', ...extra });
export const podSpec = (extra: Json = {}, of: Json = {}): Json => ({ containers: [container(of)], ...extra });
export const pod = (extra: Json = {}, of: Json = {}): Json => ({ spec: podSpec(extra, of) });
export const template = (extra: Json = {}, of: Json = {}): Json => ({ metadata: { labels: { a: 'b' } }, spec: podSpec(extra, of) });
export const selector: Json = { matchLabels: { a: 'b' } };
