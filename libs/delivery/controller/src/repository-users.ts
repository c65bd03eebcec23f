import { normalizeRepoUrl } from '@tiphys/delivery-applications';
import type { RepositoryPoller } from '@tiphys/delivery-git';
import type { KubeObject } from '@tiphys/kube-model';
import { sourcesIn } from './application-news.ts';
import type { ChartSources } from './chart-sources.ts';

/** Which applications take from which repositories; the poller looks at exactly those. */
export class RepositoryUsers {
  readonly #urls = new Map<string, readonly string[]>();
  readonly #poller: Pick<RepositoryPoller, 'setRepositories' | 'hint'>;
  readonly #charts: ChartSources;
  #others: readonly string[] = [];

  constructor(poller: Pick<RepositoryPoller, 'setRepositories' | 'hint'>, charts: ChartSources) {
    this.#poller = poller;
    this.#charts = charts;
  }

  /** Learns what an application takes from where. */
  set(instance: string, application: KubeObject): void {
    const sources = sourcesIn(application);
    this.#charts.setApplication(instance, sources);
    const urls = sources.map(({ repoURL }) => repoURL);
    if (JSON.stringify(this.#urls.get(instance)) === JSON.stringify(urls)) return;
    this.#urls.set(instance, urls);
    this.#follow();
  }

  delete(instance: string): void {
    this.#charts.setApplication(instance, []);
    this.#urls.delete(instance);
    this.#follow();
  }

  /** Repositories that are looked at for others than applications. */
  setOthers(urls: readonly string[]): void {
    this.#others = urls;
    this.#follow();
  }

  #follow(): void {
    this.#poller.setRepositories([...[...this.#urls.values()].flat(), ...this.#others]);
  }

  /** Applications that name exactly this URL. */
  of(repoURL: string): readonly string[] {
    return [...this.#urls].filter(([, urls]) => urls.includes(repoURL)).map(([instance]) => instance);
  }

  /** Applications that take from this place, however they spell it. */
  ofPlace(repoURL: string): readonly string[] {
    const place = normalizeRepoUrl(repoURL);
    return [...this.#urls].filter(([, urls]) => urls.some((url) => normalizeRepoUrl(url) === place)).map(([instance]) => instance);
  }

  /** Has the repositories of an application looked at now. */
  hint(instance: string): void {
    for (const url of this.#urls.get(instance) ?? []) this.#poller.hint(url);
  }
}
