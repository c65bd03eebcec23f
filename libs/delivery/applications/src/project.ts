import { customResource, describeRef, type KubeObject, type ObjectRef, type ResourceType } from '@tiphys/kube-model';
import { ARGO_API_VERSION, sourcesOf, type ApplicationDestination, type ApplicationSource, type ApplicationSpec } from './application.ts';
import { globMatches, globOrRegexMatches, matchRule, urlGlobMatches } from './glob.ts';
import { normalizeRepoUrl, resolveRepoUrl } from './repo-url.ts';

/** How to address AppProjects. */
export const projectType: ResourceType = customResource(ARGO_API_VERSION, 'AppProject', 'appprojects');

/** A kind, each part may be a glob. `name` narrows cluster-scoped kinds further. */
export interface GroupKindRule {
  readonly group: string;
  readonly kind: string;
  readonly name?: string;
}

/** A time in which syncs are allowed or denied, for what it matches (types.go SyncWindow). */
export interface SyncWindow {
  readonly kind?: string;
  /** Five fields of cron. */
  readonly schedule?: string;
  /** A Go duration. */
  readonly duration?: string;
  /** An IANA name; UTC when absent. */
  readonly timeZone?: string;
  readonly applications?: readonly string[];
  readonly namespaces?: readonly string[];
  readonly clusters?: readonly string[];
  /** All of applications, namespaces and clusters have to match, not any. */
  readonly andOperator?: boolean;
  readonly manualSync?: boolean;
  /** A sync that runs when the window closes may end. */
  readonly syncOverrun?: boolean;
  readonly description?: string;
}

/** A role of a project: policies in casbin's words, groups that have it. */
export interface ProjectRole {
  readonly name: string;
  readonly description?: string;
  readonly policies?: readonly string[];
  readonly groups?: readonly string[];
}

/** Which service account writes to a destination. */
export interface DestinationServiceAccount {
  readonly server: string;
  readonly namespace?: string;
  readonly defaultServiceAccount: string;
}

/** An object that is not called orphaned; each part may be a glob. */
export interface OrphanedResourceKey {
  readonly group?: string;
  readonly kind?: string;
  readonly name?: string;
}

/** What applications of a project may do. */
export interface ProjectSpec {
  readonly description?: string;
  readonly sourceRepos?: readonly string[];
  readonly destinations?: readonly ApplicationDestination[];
  readonly sourceNamespaces?: readonly string[];
  readonly clusterResourceWhitelist?: readonly GroupKindRule[];
  readonly clusterResourceBlacklist?: readonly GroupKindRule[];
  readonly namespaceResourceWhitelist?: readonly GroupKindRule[];
  readonly namespaceResourceBlacklist?: readonly GroupKindRule[];
  readonly roles?: readonly ProjectRole[];
  readonly syncWindows?: readonly SyncWindow[];
  readonly orphanedResources?: { readonly warn?: boolean; readonly ignore?: readonly OrphanedResourceKey[] };
  readonly signatureKeys?: readonly { readonly keyID: string }[];
  readonly sourceIntegrity?: { readonly git?: { readonly policies?: readonly SourcePolicy[] | null } | null };
  readonly permitOnlyProjectScopedClusters?: boolean;
  readonly destinationServiceAccounts?: readonly DestinationServiceAccount[];
}

/** Which commits of some repositories are to be signed, and by whom. */
export interface SourcePolicy {
  readonly repos?: readonly { readonly url?: string }[] | null;
  readonly gpg?: { readonly mode?: string; readonly keys?: readonly string[] | null } | null;
}

/** A fence around applications (argoproj.io/v1alpha1). */
export interface AppProject extends KubeObject {
  readonly spec: ProjectSpec;
}

/** The project used where none is stored: it permits everything, as Argo CD's own `default`. */
export const defaultProject: AppProject = {
  apiVersion: ARGO_API_VERSION,
  kind: 'AppProject',
  metadata: { name: 'default' },
  spec: { sourceRepos: ['*'], destinations: [{ server: '*', namespace: '*' }], clusterResourceWhitelist: [{ group: '*', kind: '*' }] },
};

/** A cluster as a project rule sees it. */
export interface TargetCluster {
  readonly server: string;
  readonly name: string;
  /** The project the cluster is registered for. */
  readonly project?: string;
}

/** What the project forbids about the application itself: its repositories and its destination. Empty when all is allowed. */
export function checkApplication(project: AppProject, spec: ApplicationSpec, cluster: TargetCluster): readonly string[] {
  const name = project.metadata.name ?? '';
  const problems = [...checkSources(project, sourcesOf(spec))];
  if (!isDestinationPermitted(project, cluster, spec.destination.namespace ?? '')) {
    problems.push(
      `application destination server '${cluster.server}' and namespace '${spec.destination.namespace ?? ''}' do not match any of the allowed destinations in project '${name}'`,
    );
  }
  return problems;
}

/** What the project forbids about sources: their repositories. Empty when all are allowed. */
export function checkSources(project: AppProject, sources: readonly Pick<ApplicationSource, 'repoURL'>[]): readonly string[] {
  return sources
    .filter(({ repoURL }) => !isRepoPermitted(project, repoURL))
    .map(({ repoURL }) => `application repo ${repoURL} is not permitted in project '${project.metadata.name ?? ''}': add it to spec.sourceRepos`);
}

/** Whether a project admits Applications that live in a namespace; the controller's own is always admitted. */
export function isSourceNamespacePermitted(project: AppProject, namespace: string, controllerNamespace: string): boolean {
  return namespace === controllerNamespace || (project.spec.sourceNamespaces ?? []).some((pattern) => globOrRegexMatches(pattern, namespace));
}

/** Why one object may not be written by an application of this project; undefined when it may. Checked at plan and again at write. */
export function checkResource(project: AppProject, ref: ObjectRef, namespaced: boolean, cluster: TargetCluster): string | undefined {
  const name = project.metadata.name ?? '';
  if (!isKindPermitted(project.spec, ref, namespaced))
    return `${describeRef(ref)}: resource ${ref.group === '' ? '' : `${ref.group}:`}${ref.kind} is not permitted in project '${name}'`;
  if (namespaced && !isDestinationPermitted(project, cluster, ref.namespace ?? ''))
    return `${describeRef(ref)}: namespace '${ref.namespace ?? ''}' on '${cluster.server}' is not permitted in project '${name}'`;
  return undefined;
}

// A missing whitelist of namespaced kinds admits all, an empty one none; of cluster-scoped kinds both admit none.
function isKindPermitted(spec: ProjectSpec, ref: ObjectRef, namespaced: boolean): boolean {
  const covers = (rules: readonly GroupKindRule[] | undefined): boolean => (rules ?? []).some((rule) => matchesKind(rule, ref));
  if (!namespaced) return covers(spec.clusterResourceWhitelist) && !covers(spec.clusterResourceBlacklist);
  return (spec.namespaceResourceWhitelist === undefined || covers(spec.namespaceResourceWhitelist)) && !covers(spec.namespaceResourceBlacklist);
}

/** Whether a project lets its applications take anything from a repository. */
export function isRepoPermitted(project: Pick<AppProject, 'spec'>, repoURL: string): boolean {
  const url = normalizeRepoUrl(repoURL);
  const resolved = resolveRepoUrl(repoURL);
  const matches = (pattern: string): boolean => pattern === '*' || urlGlobMatches(pattern, resolved) || urlGlobMatches(normalizeRepoUrl(pattern), url);
  const rules = (project.spec.sourceRepos ?? []).map((pattern) => matchRule(pattern, resolved, matches));
  return rules.some(({ admits }) => admits) && !rules.some(({ forbids }) => forbids);
}

function isDestinationPermitted(project: AppProject, cluster: TargetCluster, namespace: string): boolean {
  const { destinations = [], permitOnlyProjectScopedClusters } = project.spec;
  if (permitOnlyProjectScopedClusters === true && cluster.project !== project.metadata.name) return false;
  let admits = false;
  for (const rule of destinations) {
    const server = matchRule(rule.server ?? '', cluster.server);
    const name = matchRule(rule.name ?? '', cluster.name);
    const place = matchRule(rule.namespace ?? '', namespace);
    if ((server.admits || name.admits) && place.admits) admits = true;
    else if (server.forbids || name.forbids || place.forbids) return false;
  }
  return admits;
}

/** Whether an object that belongs to no application is to be left unsaid. */
export function ignoresOrphan(project: AppProject, ref: ObjectRef): boolean {
  const covers = (pattern: string | undefined, value: string): boolean => pattern === undefined || pattern === '' || globMatches(pattern, value);
  return (project.spec.orphanedResources?.ignore ?? []).some(
    // An absent group means the core group, as it is written in manifests.
    ({ group = '', kind, name }) => globMatches(group, ref.group) && covers(kind, ref.kind) && covers(name, ref.name),
  );
}

/** What to impersonate, or why nothing may be written. */
export type Impersonation = { readonly kind: 'user'; readonly user: string } | { readonly kind: 'refused'; readonly message: string };

/** The service account that writes to a destination (controller/sync.go deriveServiceAccountToImpersonate). */
export function impersonationFor(
  project: AppProject,
  destination: ApplicationDestination,
  cluster: TargetCluster,
  applicationNamespace: string,
): Impersonation {
  const { namespace = '' } = destination;
  const found = (project.spec.destinationServiceAccounts ?? []).find(
    (rule) => globMatches(rule.server, cluster.server) && globMatches(rule.namespace ?? '', namespace),
  );
  if (found === undefined) {
    const message = `no matching service account found for destination server ${cluster.server} and namespace ${namespace} in project '${project.metadata.name ?? ''}'`;
    return { kind: 'refused', message: `${message}: add it to spec.destinationServiceAccounts` };
  }
  const account = found.defaultServiceAccount.trim();
  if (account === '' || /[!*[\]{}\\/]/.test(account))
    return {
      kind: 'refused',
      message: `default service account '${account}' of project '${project.metadata.name ?? ''}' contains characters that are not allowed`,
    };
  const [first = '', second] = account.split(':');
  const home = namespace === '' ? applicationNamespace : namespace;
  return { kind: 'user', user: second === undefined ? `system:serviceaccount:${home}:${first}` : `system:serviceaccount:${first}:${second}` };
}

/** A project with the rules of the global projects that apply to it (argo-cd util/argo mergeVirtualProject): lists are joined, what it says itself stays. */
export function withGlobalProjects(project: AppProject, globals: readonly AppProject[]): AppProject {
  if (globals.length === 0) return project;
  const specs = [project, ...globals].map(({ spec }) => spec);
  const joined = <K extends keyof ProjectSpec>(key: K): object => {
    const lists = specs.flatMap((spec) => (spec[key] === undefined ? [] : [spec[key] as readonly unknown[]])); // Only lists are named below.
    return lists.length === 0 ? {} : { [key]: lists.flat() };
  };
  const keys = [
    'sourceRepos',
    'destinations',
    'clusterResourceWhitelist',
    'clusterResourceBlacklist',
    'namespaceResourceWhitelist',
    'namespaceResourceBlacklist',
    'syncWindows',
  ] as const;
  return { ...project, spec: Object.assign({ ...project.spec }, ...keys.map((key) => joined(key))) as ProjectSpec };
}

function matchesKind(rule: GroupKindRule, ref: ObjectRef): boolean {
  const { name = '' } = rule;
  return globMatches(rule.group, ref.group) && globMatches(rule.kind, ref.kind) && (name === '' || globMatches(name, ref.name));
}
