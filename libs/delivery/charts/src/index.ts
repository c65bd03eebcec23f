export { ChartError } from './chart-error.ts';
export { fetchChart, openChartRepository, type ChartRepository, type FetchedChart } from './chart-repository.ts';
export {
  archiveSnapshot,
  chartRevision,
  createChartSource,
  isChartVersion,
  resolveChartRevision,
  type ArchiveFile,
  type ChartSourceOptions,
} from './chart-source.ts';
export type { ChartAccess } from './http-get.ts';
export { chooseVersion, isVersionRange, type ChartVersion } from './versions.ts';
