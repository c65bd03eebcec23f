import { printFloat } from '../go/strconv.ts';
import { GoMap, goMap, GoObject, GoSlice, type GoValue } from '../go/value.ts';
import { jsonKind, readYaml } from '../yaml/read-yaml.ts';

/** A subchart as Chart.yaml asks for it. `enabled` and `name` change while conditions and aliases are processed. */
export interface ChartDependency {
  name: string;
  readonly version: string;
  readonly repository: string;
  readonly condition: string;
  readonly tags: readonly string[];
  enabled: boolean;
  importValues: readonly GoValue[];
  readonly alias: string;
}

/** Chart.yaml. Absent texts are empty; `dependencies` is undefined where none were written. */
export interface ChartMetadata {
  readonly name: string;
  readonly home: string;
  readonly sources: readonly string[];
  readonly version: string;
  readonly description: string;
  readonly keywords: readonly string[];
  readonly maintainers: readonly { readonly name: string; readonly email: string; readonly url: string }[];
  readonly icon: string;
  readonly apiVersion: string;
  readonly condition: string;
  readonly tags: string;
  readonly appVersion: string;
  readonly deprecated: boolean;
  readonly annotations: ReadonlyMap<string, string> | undefined;
  readonly kubeVersion: string;
  dependencies: readonly ChartDependency[] | undefined;
  readonly type: string;
}

const EMPTY: ChartMetadata = {
  name: '',
  home: '',
  sources: [],
  version: '',
  description: '',
  keywords: [],
  maintainers: [],
  icon: '',
  apiVersion: '',
  condition: '',
  tags: '',
  appVersion: '',
  deprecated: false,
  annotations: undefined,
  kubeVersion: '',
  dependencies: undefined,
  type: '',
};

/** Reads Chart.yaml, or requirements.yaml over what Chart.yaml said. Throws an Error in the words of sigs.k8s.io/yaml. */
export function readMetadata(text: string, base: ChartMetadata = EMPTY): ChartMetadata {
  const root = readYaml(text);
  if (root === null) return base;
  if (!(root instanceof GoMap)) throw decodeError(root, 'Go value of type v2.Metadata');
  const read = new StructReader(root, 'Metadata');
  return {
    name: read.text('name', base.name),
    home: read.text('home', base.home),
    sources: read.texts('sources') ?? base.sources,
    version: read.text('version', base.version),
    description: read.text('description', base.description),
    keywords: read.texts('keywords') ?? base.keywords,
    maintainers:
      read.structs('maintainers')?.map((item) => ({ name: item.text('name'), email: item.text('email'), url: item.text('url') })) ?? base.maintainers,
    icon: read.text('icon', base.icon),
    apiVersion: read.text('apiVersion', base.apiVersion),
    condition: read.text('condition', base.condition),
    tags: read.text('tags', base.tags),
    appVersion: read.text('appVersion', base.appVersion),
    deprecated: read.flag('deprecated', base.deprecated),
    annotations: read.textMap('annotations') ?? base.annotations,
    kubeVersion: read.text('kubeVersion', base.kubeVersion),
    dependencies: read.structs('dependencies')?.map(readDependency) ?? base.dependencies,
    type: read.text('type', base.type),
  };
}

function readDependency(item: StructReader): ChartDependency {
  return {
    name: item.text('name'),
    version: item.text('version'),
    repository: item.text('repository'),
    condition: item.text('condition'),
    tags: item.texts('tags') ?? [],
    enabled: item.flag('enabled', false),
    importValues: item.list('import-values') ?? [],
    alias: item.text('alias'),
  };
}

function decodeError(value: GoValue, into: string): Error {
  return new Error(`error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${jsonKind(value)} into ${into}`);
}

/** What sigs.k8s.io/yaml makes of a scalar where Go wants a string; undefined for what is no scalar. */
function coerceText(value: GoValue): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  if (typeof value !== 'number') return undefined;
  if (Number.isInteger(value)) return String(BigInt(value));
  const short = Math.fround(value);
  for (let digits = 1; digits <= 9; digits += 1) {
    const text = short.toPrecision(digits);
    if (Math.fround(Number(text)) === short) return printFloat(Number(text));
  }
  return printFloat(value);
}

/** Reads a map as encoding/json fills a Go struct: names regardless of case, scalars become strings where strings are wanted. */
export class StructReader {
  readonly #entries: ReadonlyMap<string, GoValue>;
  readonly #path: string;

  constructor(map: GoMap, path: string) {
    this.#entries = map.entries;
    this.#path = path;
  }

  get(name: string): GoValue {
    const exact = this.#entries.get(name);
    if (exact !== undefined) return exact;
    const lower = name.toLowerCase();
    for (const [key, value] of this.#entries) if (key.toLowerCase() === lower) return value;
    return null;
  }

  #fail(name: string, value: GoValue, type: string): Error {
    return decodeError(value, `Go struct field ${this.#path}.${name} of type ${type}`);
  }

  text(name: string, fallback = ''): string {
    const value = this.get(name);
    if (value === null) return fallback;
    const text = coerceText(value);
    if (text === undefined) throw this.#fail(name, value, 'string');
    return text;
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.get(name);
    if (value === null) return fallback;
    if (typeof value !== 'boolean') throw this.#fail(name, value, 'bool');
    return value;
  }

  list(name: string): readonly GoValue[] | undefined {
    const value = this.get(name);
    if (value === null) return undefined;
    if (!(value instanceof GoSlice)) throw this.#fail(name, value, '[]interface {}');
    return value.items;
  }

  texts(name: string): readonly string[] | undefined {
    return this.list(name)?.map((item) => this.#element(name, item));
  }

  #element(name: string, value: GoValue): string {
    const text = value === null ? '' : coerceText(value);
    if (text === undefined) throw this.#fail(name, value, 'string');
    return text;
  }

  textMap(name: string): ReadonlyMap<string, string> | undefined {
    const value = this.get(name);
    if (value === null) return undefined;
    if (!(value instanceof GoMap)) throw this.#fail(name, value, 'map[string]string');
    return new Map([...value.entries].map(([key, item]) => [key, this.#element(name, item)]));
  }

  structs(name: string): readonly StructReader[] | undefined {
    return this.list(name)?.map((item) => {
      if (item instanceof GoMap) return new StructReader(item, `${this.#path}.${name}`);
      throw item === null ? new Error(`validation: chart.metadata: ${name} must not contain empty or null nodes`) : this.#fail(name, item, 'struct');
    });
  }

  /** The struct of a field; undefined where it is null or absent. */
  struct(name: string, type: string): StructReader | undefined {
    const value = this.get(name);
    if (value === null) return undefined;
    if (!(value instanceof GoMap)) throw this.#fail(name, value, type);
    return new StructReader(value, `${this.#path}.${name}`);
  }
}

function list(items: readonly GoValue[]): GoSlice {
  return new GoSlice(items);
}

/** `.Chart` as templates see it, by Go's field names: a map in Helm 4, a struct in Helm 3, where an unknown field is an error. */
export function metadataObject(metadata: ChartMetadata, isRoot: boolean, isStruct = false): GoMap | GoObject {
  const map = metadataMap(metadata, isRoot);
  return isStruct ? new GoObject({ typeName: 'struct { chart.Metadata; IsRoot bool }', fields: Object.fromEntries(map.entries) }) : map;
}

function metadataMap(metadata: ChartMetadata, isRoot: boolean): GoMap {
  return goMap([
    ['Name', metadata.name],
    ['Home', metadata.home],
    ['Sources', list(metadata.sources)],
    ['Version', metadata.version],
    ['Description', metadata.description],
    ['Keywords', list(metadata.keywords)],
    [
      'Maintainers',
      list(
        metadata.maintainers.map(({ name, email, url }) =>
          goMap([
            ['Name', name],
            ['Email', email],
            ['URL', url],
          ]),
        ),
      ),
    ],
    ['Icon', metadata.icon],
    ['APIVersion', metadata.apiVersion],
    ['Condition', metadata.condition],
    ['Tags', metadata.tags],
    ['AppVersion', metadata.appVersion],
    ['Deprecated', metadata.deprecated],
    ['Annotations', new GoMap(new Map(metadata.annotations), 'map[string]string', { elemType: 'string', isNil: metadata.annotations === undefined })],
    ['KubeVersion', metadata.kubeVersion],
    ['Dependencies', list((metadata.dependencies ?? []).map(dependencyObject))],
    ['Type', metadata.type],
    ['IsRoot', isRoot],
  ]);
}

function dependencyObject(dependency: ChartDependency): GoMap {
  return goMap([
    ['Name', dependency.name],
    ['Version', dependency.version],
    ['Repository', dependency.repository],
    ['Condition', dependency.condition],
    ['Tags', list(dependency.tags)],
    ['Enabled', dependency.enabled],
    ['ImportValues', list(dependency.importValues)],
    ['Alias', dependency.alias],
  ]);
}
