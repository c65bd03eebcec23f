import { isRepoPermitted, type AppProject } from '@tiphys/delivery-applications';
import type { Repository, RepositoryStore } from '@tiphys/delivery-git';
import type { WantedChart } from '@tiphys/delivery-render';
import type { Lister } from '@tiphys/kube-client';
import type { corev1 } from '@tiphys/kube-model';
import type { ChartSources } from './chart-sources.ts';
import { accessFor, withTrust } from './credentials.ts';
import { trustOf, type Trust } from './trust.ts';

/** What repositories are opened with. */
export interface RepositoryAccessDeps {
  readonly secrets: Pick<Lister<corev1.Secret>, 'list'>;
  readonly configMaps: Pick<Lister<corev1.ConfigMap>, 'list'>;
  readonly charts: ChartSources;
  readonly repositories: RepositoryStore;
}

/** Opens repositories with the credentials and trust that Secrets and ConfigMaps hold now. */
export class RepositoryAccess {
  readonly #deps: RepositoryAccessDeps;

  constructor(deps: RepositoryAccessDeps) {
    this.#deps = deps;
  }

  trust(): Trust {
    return trustOf(this.#deps.configMaps.list());
  }

  async open(repoURL: string): Promise<Repository> {
    const { charts, repositories, secrets } = this.#deps;
    const access = withTrust(repoURL, accessFor(repoURL, secrets.list()), this.trust());
    return charts.has(repoURL) ? charts.open(repoURL, access) : repositories.open(repoURL, access);
  }

  /** A chart that another depends on, if the project lets its applications take anything from its repository. */
  async fetchChart(wanted: WantedChart, project: AppProject, signal: AbortSignal): Promise<Uint8Array | undefined> {
    if (!/^(https?|oci):\/\//.test(wanted.repository) || !isRepoPermitted(project, wanted.repository)) return undefined;
    return this.#deps.charts.fetch(wanted, accessFor(wanted.repository, this.#deps.secrets.list()), signal);
  }
}
