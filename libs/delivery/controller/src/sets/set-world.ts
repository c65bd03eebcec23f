import { isRepoPermitted } from '@tiphys/delivery-applications';
import { GenerateError, type ApplicationSet, type GeneratorWorld, type KnownCluster } from '@tiphys/delivery-applicationsets';
import type { Repository, RepositoryPoller } from '@tiphys/delivery-git';
import type { Lister } from '@tiphys/kube-client';
import { formatSelector, isStatus, selectorOf, type corev1, type JsonObject } from '@tiphys/kube-model';
import { IN_CLUSTER, type ClusterRegistry } from '../cluster-registry.ts';
import { resolveGitRevision } from '../git-revision.ts';
import { projectOf, type ProjectDeps } from '../projects.ts';
import { SECRET_TYPE_LABEL, secretText } from '../secrets.ts';
import { callHttp } from './set-http.ts';

/** What the world of a set is made of. */
export interface SetWorldDeps extends ProjectDeps {
  readonly clusters: Pick<ClusterRegistry, 'resolve'>;
  readonly secrets: Pick<Lister<corev1.Secret>, 'get' | 'list'>;
  readonly configMaps: Pick<Lister<corev1.ConfigMap>, 'get'>;
  readonly poller: Pick<RepositoryPoller, 'state'>;
  readonly openRepository: (repoURL: string, signal: AbortSignal) => Promise<Repository>;
  /** Patterns of addresses generators may call; none allow every one. */
  readonly generatorUrls: readonly string[];
}

/** What the generators of one set may ask, and which repositories they did ask: `urls` fills while they run. */
export function setWorld(set: ApplicationSet, deps: SetWorldDeps): GeneratorWorld & { readonly urls: ReadonlySet<string> } {
  const namespace = set.metadata.namespace ?? deps.namespace;
  const urls = new Set<string>();
  return {
    urls,
    clusters: () => knownClusters(deps.secrets.list()),
    secret: (name) => deps.secrets.get(name, namespace),
    configMap: (name) => deps.configMaps.get(name, namespace),
    http: (call, signal) => callHttp(call, deps.generatorUrls, signal),
    async snapshot(repoURL, revision, signal) {
      mustPermit(set, repoURL, deps);
      urls.add(repoURL);
      const repository = await deps.openRepository(repoURL, signal);
      const refs = deps.poller.state(repoURL)?.refs ?? (await repository.lsRemote(signal));
      return repository.snapshot(resolveGitRevision(refs, { repoURL, targetRevision: revision }), signal);
    },
    async objects({ apiVersion, kind, name, labelSelector }, signal) {
      const { client, kinds } = deps.clusters.resolve({ server: IN_CLUSTER });
      const type = await kinds.find(apiVersion, kind, signal);
      if (type === undefined) throw new GenerateError({ code: 'source' }, `there is no kind ${kind} in ${apiVersion}`);
      const scope = type.namespaced ? { namespace } : {};
      // Objects of the API are JSON.
      if (name === undefined) {
        const selector = formatSelector(selectorOf(labelSelector ?? {}));
        const list = await client.list(type, { ...scope, ...(selector === '' ? {} : { labelSelector: selector }), signal });
        return list.items as unknown as readonly JsonObject[];
      }
      const found = await client.get(type, { ...scope, name }, { signal }).catch((error: unknown) => {
        if (isStatus(error, 'NotFound')) return undefined;
        throw error;
      });
      return found === undefined ? [] : [found as unknown as JsonObject];
    },
  };
}

// A set with one project may read what that project may; where the project is a parameter, only the set's own author decides.
function mustPermit({ spec }: ApplicationSet, repoURL: string, deps: ProjectDeps): void {
  const { project = 'default' } = (spec.template.spec ?? {}) as { readonly project?: string };
  if (project.includes('{{')) return;
  const rules = projectOf({ spec: { project } } as Parameters<typeof projectOf>[0], deps);
  if (!isRepoPermitted(rules, repoURL))
    throw new GenerateError({ code: 'notAllowed' }, `git generator: repository ${repoURL} is not permitted in project '${project}'`);
}

function knownClusters(secrets: readonly corev1.Secret[]): readonly KnownCluster[] {
  const registered = secrets
    .filter(({ metadata }) => metadata.labels?.[SECRET_TYPE_LABEL] === 'cluster')
    .map((secret): KnownCluster => {
      const project = secretText(secret, 'project');
      return {
        name: secretText(secret, 'name') ?? '',
        server: secretText(secret, 'server') ?? '',
        labels: secret.metadata.labels ?? {},
        annotations: secret.metadata.annotations ?? {},
        ...(project === undefined ? {} : { project }),
      };
    });
  const own: KnownCluster = { name: 'in-cluster', server: IN_CLUSTER, labels: {}, annotations: {}, isImplicit: true };
  return registered.some(({ server }) => server === IN_CLUSTER) ? registered : [...registered, own];
}
