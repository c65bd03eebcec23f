/** How prominent a group is: what clients find first (kube-aggregator's priorities of the built-in groups). */
const PRIORITIES: Readonly<Record<string, number>> = {
  'apiregistration.k8s.io': 20_000,
  '': 18_000,
  apps: 17_800,
  'events.k8s.io': 17_750,
  'authentication.k8s.io': 17_700,
  'authorization.k8s.io': 17_600,
  autoscaling: 17_500,
  batch: 17_400,
  'certificates.k8s.io': 17_300,
  'networking.k8s.io': 17_200,
  policy: 17_100,
  'rbac.authorization.k8s.io': 17_000,
  'storage.k8s.io': 16_800,
  'admissionregistration.k8s.io': 16_700,
  'apiextensions.k8s.io': 16_700,
  'scheduling.k8s.io': 16_600,
  'coordination.k8s.io': 16_500,
  'node.k8s.io': 16_300,
  'discovery.k8s.io': 16_200,
  'flowcontrol.apiserver.k8s.io': 16_100,
};
const CUSTOM_PRIORITY = 1_000;

/** The priority of a group this server serves itself. */
export function priorityOf(group: string): number {
  return PRIORITIES[group] ?? CUSTOM_PRIORITY;
}

/** Orders groups as discovery lists them: higher priority first, then by name. */
export function compareGroups(a: { readonly name: string; readonly priority: number }, b: { readonly name: string; readonly priority: number }): number {
  return b.priority - a.priority || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}
