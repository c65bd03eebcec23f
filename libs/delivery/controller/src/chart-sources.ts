import { normalizeRepoUrl, type ApplicationSource } from '@tiphys/delivery-applications';
import { createChartSource, fetchChart, openChartRepository } from '@tiphys/delivery-charts';
import type { WantedChart } from '@tiphys/delivery-render';
import type { Repository, RepositoryAccess } from '@tiphys/delivery-git';
import { readArchive } from '@tiphys/delivery-helm';

const MAX_ARCHIVES = 64;

/** The chart repositories in use: which URLs are ones follows from the applications that name a chart there. */
export class ChartSources {
  /** Charts by place, and by the application that wants them. */
  readonly #wanted = new Map<string, Map<string, readonly string[]>>();
  readonly #archives = new Map<string, Uint8Array>();
  readonly #open = new Map<string, { readonly access: string; readonly repository: Repository }>();

  /** Learns what an application takes from where; without sources it is forgotten. */
  setApplication(application: string, sources: readonly ApplicationSource[]): void {
    for (const [place, charts] of this.#wanted) {
      charts.delete(application);
      if (charts.size === 0) this.#wanted.delete(place);
    }
    for (const { repoURL, chart } of sources) {
      if (chart === undefined) continue;
      const place = normalizeRepoUrl(repoURL);
      const charts = this.#wanted.get(place) ?? new Map<string, readonly string[]>();
      charts.set(application, [...(charts.get(application) ?? []), chart]);
      this.#wanted.set(place, charts);
    }
  }

  /** Whether some application takes a chart from this URL. */
  has(repoURL: string): boolean {
    return repoURL.startsWith('oci://') || this.#wanted.has(normalizeRepoUrl(repoURL));
  }

  /** The repository of a URL; the open one while its access stays the same. */
  open(repoURL: string, access: RepositoryAccess): Repository {
    const fingerprint = JSON.stringify(access);
    const known = this.#open.get(repoURL);
    if (known?.access === fingerprint) return known.repository;
    const place = normalizeRepoUrl(repoURL);
    const charts = (): readonly string[] => [...(this.#wanted.get(place)?.values() ?? [])].flat();
    const repository = createChartSource({ repository: openChartRepository(repoURL, access), charts, unpack: readArchive });
    this.#open.set(repoURL, { access: fingerprint, repository });
    return repository;
  }

  /** The archive of a chart another depends on. Versions that were fetched once are kept, a few at a time. */
  async fetch(wanted: WantedChart, access: RepositoryAccess, signal: AbortSignal): Promise<Uint8Array> {
    const key = JSON.stringify(wanted);
    const known = this.#archives.get(key);
    if (known !== undefined) return known;
    const { archive } = await fetchChart(openChartRepository(wanted.repository, access), wanted.name, wanted.version, signal);
    this.#archives.set(key, archive);
    const oldest = this.#archives.size > MAX_ARCHIVES ? this.#archives.keys().next().value : undefined;
    if (oldest !== undefined) this.#archives.delete(oldest);
    return archive;
  }
}
