import { DomainError } from '@tiphys/kernel';

/**
 * Where a render failed: `load` reading the chart · `deps` subcharts named in Chart.yaml are absent · `process` conditions and
 * imports · `schema` values against values.schema.json · `kube` the chart's kubeVersion · `render` templates · `manifest` a rendered
 * file is not YAML · `values` the user's values or parameters.
 */
export type HelmStage = 'load' | 'deps' | 'process' | 'schema' | 'kube' | 'render' | 'manifest' | 'values';

/** The detail of a HelmError; `missing` names absent subcharts. */
export interface HelmErrorDetail {
  readonly code: HelmStage;
  readonly missing?: readonly string[];
}

/** A chart that Helm would refuse to render. The message is Helm's own, without the prefix of its command line. */
export class HelmError extends DomainError<HelmErrorDetail> {
  override readonly name = 'HelmError';
}

/** Runs `body`; what it throws becomes a HelmError of the stage, unless it is one already. */
export function atStage<T>(stage: HelmStage, body: () => T, wrap: (message: string) => string = (message) => message): T {
  try {
    return body();
  } catch (error) {
    if (error instanceof HelmError || !(error instanceof Error) || error instanceof RangeError) throw error;
    throw new HelmError({ code: stage }, wrap(error.message), { cause: error });
  }
}
