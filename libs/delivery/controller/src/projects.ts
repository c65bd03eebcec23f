import {
  checkApplication,
  checkSources,
  defaultProject,
  impersonationFor,
  isSourceNamespacePermitted,
  parseProject,
  withGlobalProjects,
  type Application,
  type ApplicationSource,
  type AppProject,
} from '@tiphys/delivery-applications';
import type { KubeClient, Lister } from '@tiphys/kube-client';
import type { Cluster } from './cluster.ts';
import { DeliveryError } from './delivery-error.ts';
import { globalProjectsOf, type DeliverySettings } from './settings.ts';

/** What projects are read from. */
export interface ProjectDeps {
  readonly projects: Pick<Lister<AppProject>, 'get'>;
  /** The controller's namespace: where projects live. */
  readonly namespace: string;
  readonly settings: () => DeliverySettings;
}

/** The project of an application with the rules of the global projects that concern it. Throws DeliveryError `invalidSpec`. */
export function projectOf(application: Application, deps: ProjectDeps): AppProject {
  const name = application.spec.project === undefined || application.spec.project === '' ? 'default' : application.spec.project;
  const project = readProject(name, deps);
  if (project === undefined) throw new DeliveryError({ code: 'invalidSpec' }, `application references project '${name}' which does not exist`);
  const globals = globalProjectsOf(deps.settings(), project).flatMap((global) => readProject(global, deps) ?? []);
  return withGlobalProjects(project, globals);
}

function readProject(name: string, { projects, namespace }: ProjectDeps): AppProject | undefined {
  const stored = projects.get(name, namespace);
  if (stored === undefined) return name === 'default' ? defaultProject : undefined;
  const parsed = parseProject(stored);
  if (parsed.kind === 'invalid') throw new DeliveryError({ code: 'invalidSpec' }, `project '${name}' is invalid: ${parsed.problems.join('; ')}`);
  return parsed.value;
}

/** Throws DeliveryError `invalidSpec` when the project forbids the application itself: where it lives, what it takes, where it goes. */
export function mustBePermitted(application: Application, project: AppProject, cluster: Cluster, controllerNamespace: string): void {
  const { name = '', namespace = controllerNamespace } = application.metadata;
  const problems = [
    ...(isSourceNamespacePermitted(project, namespace, controllerNamespace)
      ? []
      : [
          `application '${name}' in namespace '${namespace}' is not permitted to use project '${project.metadata.name ?? ''}': add the namespace to spec.sourceNamespaces`,
        ]),
    ...checkApplication(project, application.spec, cluster),
  ];
  if (problems.length > 0) throw new DeliveryError({ code: 'invalidSpec' }, problems.join('; '));
}

/** Throws DeliveryError `invalidSpec` when the project forbids the repository of a source. */
export function mustPermitSources(sources: readonly ApplicationSource[], project: AppProject): void {
  const problems = checkSources(project, sources);
  if (problems.length > 0) throw new DeliveryError({ code: 'invalidSpec' }, problems.join('; '));
}

/** The client that writes for an application: the cluster's own, or one in the name of the service account its project names. Throws DeliveryError `invalidSpec`. */
export function writerFor(application: Application, project: AppProject, cluster: Cluster, { settings, namespace }: ProjectDeps): KubeClient {
  if (!settings().impersonates) return cluster.client;
  const home = application.metadata.namespace ?? namespace;
  const found = impersonationFor(project, application.spec.destination, cluster, home);
  if (found.kind === 'refused') throw new DeliveryError({ code: 'invalidSpec' }, found.message);
  return cluster.client.impersonate(found.user);
}
