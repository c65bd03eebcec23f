export type { ChartFile } from './chart/chart.ts';
export { Chart } from './chart/chart.ts';
export { HelmError, type HelmErrorDetail, type HelmStage } from './chart/helm-error.ts';
export { loadChart, type HelmCompat } from './chart/load-chart.ts';
export { mergeUserValues, type UserValueFlags } from './chart/merge-user-values.ts';
export { CHART_LIMITS, readArchive } from './chart/read-archive.ts';
export { setValues } from './chart/set-values.ts';
export { mergeMaps, readValues } from './chart/user-values.ts';
export { readChartFolder, type ChartReads } from './chart/read-folder.ts';
export { isCompatibleRange } from './chart/version-range.ts';
export { normalizeName, renderGoText, type GoTextOptions } from './go-text.ts';
export { fromJson, GoMap } from './go/value.ts';
export { type HookEvent, type RenderedHook, type RenderedManifest } from './render/manifests.ts';
export { formatRelease, renderChart, type ChartRenderOptions, type RenderedRelease } from './render/render-chart.ts';
export {
  detectHelmSource,
  renderHelmSource,
  type HelmSourceOptions,
  type HelmSourceOutput,
  type HelmSourceReads,
  type HelmSourceRequest,
} from './render-source.ts';
export type { FetchChart, WantedChart } from './source/subcharts.ts';
export { BudgetError, defaultBudgetLimits, type BudgetLimits } from './template/budget.ts';
export { encodeJson } from './go/json.ts';
export { fromBytes, toBytes } from './go/text.ts';
export { GoInt, GoSlice, toJson, type GoValue } from './go/value.ts';
export { emitYaml, type EmitNode, type EmitStyle } from './yaml/emitter.ts';
export type { ScalarStyle, YamlNode } from './yaml/node.ts';
export { parseFirstDocument } from './yaml/parse.ts';
export { readYaml } from './yaml/read-yaml.ts';
export { resolveScalar, type Scalar } from './yaml/resolve.ts';
export { writeYaml } from './yaml/write-yaml.ts';
export { YamlError } from './yaml/yaml-error.ts';
export { completeSubcharts } from './source/subcharts.ts';
export { substituteWith, type Substitute } from './source/build-environment.ts';
export { toObjects, toPlain } from './source/objects.ts';
export { createBlockReader, type BlockFields } from './source/block-reader.ts';
export { printFloat } from './go/strconv.ts';
