import type { GoMap } from '../go/value.ts';
import type { ChartMetadata } from './metadata.ts';

/** A file of a chart, its name relative to the chart. */
export interface ChartFile {
  readonly name: string;
  readonly data: Uint8Array;
}

/** A chart in memory. Processing dependencies changes `metadata`, `values` and `dependencies`: each render works on its own copy. */
export class Chart {
  metadata: ChartMetadata;
  values: GoMap;
  parent: Chart | undefined;
  #dependencies: Chart[] = [];
  readonly templates: readonly ChartFile[];
  readonly files: readonly ChartFile[];
  readonly schema: string | undefined;

  constructor(parts: {
    readonly metadata: ChartMetadata;
    readonly values: GoMap;
    readonly templates: readonly ChartFile[];
    readonly files: readonly ChartFile[];
    readonly schema: string | undefined;
  }) {
    this.metadata = parts.metadata;
    this.values = parts.values;
    this.templates = parts.templates;
    this.files = parts.files;
    this.schema = parts.schema;
  }

  get name(): string {
    return this.metadata.name;
  }

  get isRoot(): boolean {
    return this.parent === undefined;
  }

  get isLibrary(): boolean {
    return this.metadata.type.toLowerCase() === 'library';
  }

  get dependencies(): readonly Chart[] {
    return this.#dependencies;
  }

  /** Adds a subchart and becomes its parent. */
  addDependency(chart: Chart): void {
    chart.parent = this;
    this.#dependencies.push(chart);
  }

  setDependencies(charts: readonly Chart[]): void {
    this.#dependencies = [];
    for (const chart of charts) this.addDependency(chart);
  }

  /** `root/charts/child`, by names and not by folders. */
  get fullPath(): string {
    return this.parent === undefined ? this.name : `${this.parent.fullPath}/charts/${this.name}`;
  }

  /** The same chart with metadata of its own and the same subcharts, under no parent. */
  copy(metadata: ChartMetadata): Chart {
    return new Chart({ metadata, values: this.values, templates: this.templates, files: this.files, schema: this.schema });
  }

  /** A copy that can be processed without touching this one, subcharts included. Files are shared, values are not written to. */
  clone(): Chart {
    const copy = this.copy(cloneMetadata(this.metadata));
    for (const child of this.#dependencies) copy.addDependency(child.clone());
    return copy;
  }

  /** Files under crds/ of this chart and its subcharts, with the path Helm prints. */
  crds(): readonly { readonly path: string; readonly file: ChartFile }[] {
    const own = this.files
      .filter(({ name }) => name.startsWith('crds/') && /\.(ya?ml|json)$/i.test(name))
      .map((file) => ({ path: `${this.fullPath}/${file.name}`, file }));
    return [...own, ...this.#dependencies.flatMap((child) => child.crds())];
  }
}

/** Metadata whose dependencies can be changed without touching the original. */
export function cloneMetadata(metadata: ChartMetadata): ChartMetadata {
  return { ...metadata, dependencies: metadata.dependencies?.map((dependency) => ({ ...dependency })) };
}
