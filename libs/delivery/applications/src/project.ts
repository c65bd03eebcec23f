import { customResource, describeRef, type KubeObject, type ObjectRef, type ResourceType } from '@tiphys/kube-model';
import { ARGO_API_VERSION, sourcesOf, type ApplicationDestination, type ApplicationSpec } from './application.ts';
import { normalizeRepoUrl } from './repo-url.ts';
import { globMatches } from './glob.ts';

/** How to address AppProjects. */
export const projectType: ResourceType = customResource(ARGO_API_VERSION, 'AppProject', 'appprojects');

/** A kind, either part may be a glob. */
export interface GroupKindRule {
  readonly group: string;
  readonly kind: string;
  readonly name?: string;
}

/** What applications of a project may do. */
export interface ProjectSpec {
  readonly description?: string;
  readonly sourceRepos?: readonly string[];
  readonly destinations?: readonly ApplicationDestination[];
  readonly clusterResourceWhitelist?: readonly GroupKindRule[];
  readonly clusterResourceBlacklist?: readonly GroupKindRule[];
  readonly namespaceResourceWhitelist?: readonly GroupKindRule[];
  readonly namespaceResourceBlacklist?: readonly GroupKindRule[];
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
}

/** What the project forbids about the application itself: its repositories and its destination. Empty when all is allowed. */
export function checkApplication(project: AppProject, spec: ApplicationSpec, cluster: TargetCluster): readonly string[] {
  const name = project.metadata.name ?? '';
  const problems = sourcesOf(spec)
    .filter((source) => !isRepoPermitted(project, source.repoURL))
    .map((source) => `application repo ${source.repoURL} is not permitted in project '${name}': add it to spec.sourceRepos`);
  if (!isDestinationPermitted(project, cluster, spec.destination.namespace ?? '')) {
    problems.push(
      `application destination server '${cluster.server}' and namespace '${spec.destination.namespace ?? ''}' do not match any of the allowed destinations in project '${name}'`,
    );
  }
  return problems;
}

/** Why one object may not be written by an application of this project; undefined when it may. Checked at plan and again at write. */
export function checkResource(project: AppProject, ref: ObjectRef, namespaced: boolean, cluster: TargetCluster): string | undefined {
  const name = project.metadata.name ?? '';
  const { spec } = project;
  const allowed = namespaced
    ? (spec.namespaceResourceWhitelist === undefined || spec.namespaceResourceWhitelist.some((rule) => matchesKind(rule, ref))) &&
      !(spec.namespaceResourceBlacklist ?? []).some((rule) => matchesKind(rule, ref))
    : (spec.clusterResourceWhitelist ?? []).some((rule) => matchesKind(rule, ref)) &&
      !(spec.clusterResourceBlacklist ?? []).some((rule) => matchesKind(rule, ref));
  if (!allowed) return `${describeRef(ref)}: resource ${ref.group === '' ? '' : `${ref.group}:`}${ref.kind} is not permitted in project '${name}'`;
  if (namespaced && !isDestinationPermitted(project, cluster, ref.namespace ?? '')) {
    return `${describeRef(ref)}: namespace '${ref.namespace ?? ''}' on '${cluster.server}' is not permitted in project '${name}'`;
  }
  return undefined;
}

/** Whether a project lets its applications take anything from a repository. */
export function isRepoPermitted(project: AppProject, repoURL: string): boolean {
  const url = normalizeRepoUrl(repoURL);
  return permits(project.spec.sourceRepos ?? [], (pattern) => pattern === '*' || globMatches(pattern, repoURL) || globMatches(normalizeRepoUrl(pattern), url));
}

function isDestinationPermitted(project: AppProject, cluster: TargetCluster, namespace: string): boolean {
  let permitted = false;
  for (const rule of project.spec.destinations ?? []) {
    const server = rule.server ?? '';
    const clusterName = rule.name ?? '';
    const deniesServer = server.startsWith('!') || clusterName.startsWith('!');
    const deniesNamespace = (rule.namespace ?? '').startsWith('!');
    const serverMatches =
      server === '' && clusterName === ''
        ? false
        : (server === '' || globMatches(stripDeny(server), cluster.server)) && (clusterName === '' || globMatches(stripDeny(clusterName), cluster.name));
    const namespaceMatches = globMatches(stripDeny(rule.namespace ?? ''), namespace);
    if (deniesServer || deniesNamespace) {
      if (serverMatches && namespaceMatches) return false;
    } else if (serverMatches && namespaceMatches) permitted = true;
  }
  return permitted;
}

function permits(patterns: readonly string[], matches: (pattern: string) => boolean): boolean {
  if (patterns.some((pattern) => pattern.startsWith('!') && matches(stripDeny(pattern)))) return false;
  return patterns.some((pattern) => !pattern.startsWith('!') && matches(pattern));
}

function matchesKind(rule: GroupKindRule, ref: ObjectRef): boolean {
  return globMatches(rule.group, ref.group) && globMatches(rule.kind, ref.kind) && (rule.name === undefined || globMatches(rule.name, ref.name));
}

function stripDeny(pattern: string): string {
  return pattern.startsWith('!') ? pattern.slice(1) : pattern;
}
