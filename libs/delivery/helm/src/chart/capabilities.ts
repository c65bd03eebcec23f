import { quote } from '../go/strconv.ts';
import { GoObject, GoSlice, type GoMethods } from '../go/value.ts';

/** What templates learn about the cluster and the engine. */
export interface CapabilityOptions {
  /** Such as `1.31.0` or `v1.31.4-gke.1`. */
  readonly kubeVersion?: string;
  /** Group/versions and group/version/kinds besides the built-in ones. */
  readonly apiVersions?: readonly string[];
  /** What `.Capabilities.HelmVersion.Version` prints. */
  readonly helmVersion?: string;
}

/** `.Capabilities`, and the version that a chart's kubeVersion is checked against. */
export interface Capabilities {
  readonly object: GoObject;
  readonly kubeVersion: string;
  readonly normalizedKubeVersion: string;
}

const DEFAULT_KUBE_VERSION = '1.36.0';
const DEFAULT_HELM_VERSION = 'v4.2.4';
// The API groups Helm 4.2 is built with (client-go 0.36 and apiextensions), in its order.
const GROUPS: readonly (readonly [string, string])[] = [
  ['', 'v1'],
  ['admissionregistration.k8s.io/', 'v1 v1alpha1 v1beta1'],
  ['internal.apiserver.k8s.io/', 'v1alpha1'],
  ['apps/', 'v1 v1beta1 v1beta2'],
  ['authentication.k8s.io/', 'v1 v1alpha1 v1beta1'],
  ['authorization.k8s.io/', 'v1 v1beta1'],
  ['autoscaling/', 'v1 v2'],
  ['batch/', 'v1 v1beta1'],
  ['certificates.k8s.io/', 'v1 v1beta1 v1alpha1'],
  ['coordination.k8s.io/', 'v1alpha2 v1beta1 v1'],
  ['discovery.k8s.io/', 'v1 v1beta1'],
  ['events.k8s.io/', 'v1 v1beta1'],
  ['extensions/', 'v1beta1'],
  ['flowcontrol.apiserver.k8s.io/', 'v1 v1beta1 v1beta2 v1beta3'],
  ['networking.k8s.io/', 'v1 v1beta1'],
  ['node.k8s.io/', 'v1 v1alpha1 v1beta1'],
  ['policy/', 'v1 v1beta1'],
  ['rbac.authorization.k8s.io/', 'v1 v1beta1 v1alpha1'],
  ['resource.k8s.io/', 'v1 v1beta2 v1beta1 v1alpha3'],
  ['scheduling.k8s.io/', 'v1alpha2 v1beta1 v1'],
  ['storage.k8s.io/', 'v1beta1 v1 v1alpha1'],
  ['storagemigration.k8s.io/', 'v1beta1'],
  ['apiextensions.k8s.io/', 'v1beta1 v1'],
];
const BUILT_IN: readonly string[] = GROUPS.flatMap(([group, versions]) => versions.split(' ').map((version) => group + version));

/** Makes `.Capabilities`. Throws an Error with Helm's words for a kube version that cannot be read. */
export function makeCapabilities(options: CapabilityOptions = {}): Capabilities {
  const given = options.kubeVersion ?? DEFAULT_KUBE_VERSION;
  const parts = /^\s*v?((?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*))+)/.exec(given)?.[1];
  if (parts === undefined) throw new Error(`invalid kube version '${given}': could not parse ${quote(given)} as version`);
  const kubeVersion = given.startsWith('v') ? given : `v${given}`;
  const [major = '', minor = ''] = parts.split('.');
  const normalizedKubeVersion = `v${parts}`;
  const version = kubeVersionObject(kubeVersion, normalizedKubeVersion, major, minor);
  const apiVersions = [...BUILT_IN, ...(options.apiVersions ?? [])];
  const helm = new GoObject({
    typeName: 'version.BuildInfo',
    fields: { Version: options.helmVersion ?? DEFAULT_HELM_VERSION, GitCommit: '', GitTreeState: '', GoVersion: 'go1.26.10', KubeClientVersion: 'v1.36' },
  });
  const object = new GoObject({
    typeName: '*common.Capabilities',
    fields: { KubeVersion: version, APIVersions: new GoSlice(apiVersions, 'common.VersionSet', versionSetMethods(apiVersions)), HelmVersion: helm },
  });
  return { object, kubeVersion, normalizedKubeVersion };
}

function kubeVersionObject(version: string, normalized: string, major: string, minor: string): GoObject {
  return new GoObject({
    typeName: 'common.KubeVersion',
    fields: { Version: version, normalizedVersion: normalized, Major: major, Minor: minor },
    addressableString: () => normalized,
    methods: {
      String: { params: [], call: () => normalized },
      GitVersion: { params: [], call: () => version },
    },
  });
}

function versionSetMethods(versions: readonly string[]): GoMethods {
  const set = new Set<unknown>(versions);
  return { Has: { params: ['string'], call: ([version]) => set.has(version) } };
}
