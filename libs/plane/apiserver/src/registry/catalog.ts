import { builtinResources, type ServedResource } from './served.ts';

/** One API group with its versions, the preferred first. */
export interface ServedGroup {
  readonly name: string;
  readonly versions: readonly string[];
}

/** Everything the server serves right now: the built-in resources and those of established CRDs. */
export class Catalog {
  readonly #builtins: readonly ServedResource[] = builtinResources();
  readonly #custom = new Map<string, readonly ServedResource[]>();
  #byPath = new Map<string, ServedResource>();
  #byKind = new Map<string, ServedResource>();
  #generation = 0;
  readonly #waiters = new Set<() => void>();

  constructor() {
    this.#rebuild();
  }

  /** Resolves when there has been a change since a generation, or the signal aborts. */
  async changedSince(generation: number, signal: AbortSignal): Promise<void> {
    if (this.#generation !== generation || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        signal.removeEventListener('abort', wake);
        this.#waiters.delete(wake);
        resolve();
      };
      signal.addEventListener('abort', wake, { once: true });
      this.#waiters.add(wake);
    });
  }

  /** Grows with every change: discovery and OpenAPI documents are cached by it. */
  get generation(): number {
    return this.#generation;
  }

  find(group: string, version: string, resource: string): ServedResource | undefined {
    return this.#byPath.get(`${group}/${version}/${resource}`);
  }

  findKind(apiVersion: string, kind: string): ServedResource | undefined {
    return this.#byKind.get(`${apiVersion}/${kind}`);
  }

  /** The resource in its preferred version, for references without one. */
  findAnyVersion(group: string, resource: string): ServedResource | undefined {
    return this.all().find((served) => served.group === group && served.resource === resource);
  }

  all(): readonly ServedResource[] {
    return [...this.#byPath.values()];
  }

  /** Serves the versions of a CRD, or stops to serve it when `versions` is empty. */
  setCustom(name: string, versions: readonly ServedResource[]): void {
    if (versions.length === 0) this.#custom.delete(name);
    else this.#custom.set(name, versions);
    this.#rebuild();
  }

  customOf(name: string): readonly ServedResource[] {
    return this.#custom.get(name) ?? [];
  }

  groups(): readonly ServedGroup[] {
    const versions = new Map<string, Set<string>>();
    for (const served of this.all()) {
      const known = versions.get(served.group) ?? new Set<string>();
      versions.set(served.group, known.add(served.version));
    }
    return [...versions].map(([name, found]) => ({ name, versions: [...found].toSorted(compareVersions) }));
  }

  resourcesOf(group: string, version: string): readonly ServedResource[] {
    return this.all()
      .filter((served) => served.group === group && served.version === version)
      .toSorted((a, b) => (a.resource < b.resource ? -1 : 1));
  }

  #rebuild(): void {
    const all = [...this.#builtins, ...[...this.#custom.values()].flat()];
    this.#byPath = new Map(all.map((served) => [`${served.group}/${served.version}/${served.resource}`, served]));
    this.#byKind = new Map(all.map((served) => [`${served.apiVersion}/${served.kind}`, served]));
    this.#generation += 1;
    for (const wake of this.#waiters) wake();
  }
}

/** Kube-aware version order, the most stable and newest first: v2, v1, v1beta2, v1beta1, v1alpha1, others by name. */
export function compareVersions(a: string, b: string): number {
  const left = rank(a);
  const right = rank(b);
  for (const [index, value] of left.entries()) {
    const difference = (right[index] ?? 0) - value;
    if (difference !== 0) return difference;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

function rank(version: string): readonly [stability: number, major: number, minor: number] {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
  if (match === null) return [0, 0, 0];
  const [, major = '0', stage, minor = '0'] = match;
  return [stage === undefined ? 3 : stage === 'beta' ? 2 : 1, Number(major), Number(minor)];
}
