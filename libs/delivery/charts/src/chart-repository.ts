import { redactUrl } from '@tiphys/kernel';
import { ChartError } from './chart-error.ts';
import type { ChartAccess } from './http-get.ts';
import { HttpChartRepository } from './http-repository.ts';
import { OciChartRepository } from './oci-repository.ts';
import { chooseVersion, type ChartVersion } from './versions.ts';

/** A place that offers charts by name and version. */
export interface ChartRepository {
  readonly url: string;
  /** The versions of a chart; empty when there is no such chart. Throws ChartError. */
  versions(chart: string, signal: AbortSignal): Promise<readonly ChartVersion[]>;
  /** The packed chart (.tgz), its digest checked where the repository gives one. Throws ChartError. */
  archive(chart: string, version: ChartVersion, signal: AbortSignal): Promise<Uint8Array>;
}

/** Opens a chart repository: `https://…` with an index, or `oci://…`; without a scheme it is a registry, as in Argo CD. */
export function openChartRepository(url: string, access: ChartAccess = {}): ChartRepository {
  return /^https?:\/\//i.test(url) ? new HttpChartRepository(url, access) : new OciChartRepository(url, access);
}

/** A chart that was found and fetched. */
export interface FetchedChart {
  readonly version: string;
  readonly archive: Uint8Array;
}

/** Resolves a constraint and fetches the chart. Throws ChartError `chartNotFound` or `versionNotFound`. */
export async function fetchChart(repository: ChartRepository, chart: string, constraint: string, signal: AbortSignal): Promise<FetchedChart> {
  const versions = await repository.versions(chart, signal);
  const url = redactUrl(repository.url);
  if (versions.length === 0) throw new ChartError({ code: 'chartNotFound', repository: url, chart }, `${url}: there is no chart ${chart}`);
  const chosen = chooseVersion(versions, constraint);
  if (chosen === undefined)
    throw new ChartError({ code: 'versionNotFound', repository: url, chart, constraint }, `${url}: no version of ${chart} satisfies "${constraint}"`);
  return { version: chosen.version, archive: await repository.archive(chart, chosen, signal) };
}
