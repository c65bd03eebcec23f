import { normalizeRepoUrl } from '@tiphys/delivery-applications';
import type { RepositoryPoller } from '@tiphys/delivery-git';
import type { KubeObject } from '@tiphys/kube-model';
import { sourcesIn } from './application-news.ts';
import type { ChartSources } from './chart-sources.ts';

/** Which applications take from which repositories; the poller looks at exactly those. */
export class RepositoryUsers {
  readonly #urls = new Map<string, readonly string[]>();
  /** How often each URL is named. */
  readonly #users = new Map<string, number>();
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
    this.#replace(
      instance,
      sources.map(({ repoURL }) => repoURL),
    );
  }

  delete(instance: string): void {
    this.#charts.setApplication(instance, []);
    this.#replace(instance, []);
  }

  /** Repositories that are looked at for others than applications. */
  setOthers(urls: readonly string[]): void {
    this.#count(this.#others, urls);
    this.#others = urls;
  }

  #replace(instance: string, urls: readonly string[]): void {
    const before = this.#urls.get(instance) ?? [];
    if (urls.length === 0) this.#urls.delete(instance);
    else this.#urls.set(instance, urls);
    this.#count(before, urls);
  }

  // The poller is told only when a repository comes or goes: thousands of applications may share a few.
  #count(before: readonly string[], urls: readonly string[]): void {
    const known = this.#users.size;
    let changed = false;
    for (const url of urls) this.#users.set(url, (this.#users.get(url) ?? 0) + 1);
    for (const url of before) {
      const left = (this.#users.get(url) ?? 0) - 1;
      changed ||= left <= 0;
      if (left > 0) this.#users.set(url, left);
      else this.#users.delete(url);
    }
    if (changed || this.#users.size !== known) this.#poller.setRepositories(this.#users.keys());
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
