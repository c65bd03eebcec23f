import { GoMap, type GoValue } from '../go/value.ts';
import type { HelmCompat } from '../chart/load-chart.ts';
import { StructReader } from '../chart/metadata.ts';
import { jsonKind, readYaml } from '../yaml/read-yaml.ts';

/** When a hook runs. */
export type HookEvent =
  | 'pre-install'
  | 'post-install'
  | 'pre-delete'
  | 'post-delete'
  | 'pre-upgrade'
  | 'post-upgrade'
  | 'pre-rollback'
  | 'post-rollback'
  | 'test';

/** One document of a rendered file. `value` is its content as Helm reads it. */
export interface RenderedManifest {
  readonly path: string;
  readonly text: string;
  readonly kind: string;
  readonly apiVersion: string;
  readonly value: GoValue;
}

/** A document with a hook annotation. */
export interface RenderedHook extends RenderedManifest {
  readonly name: string;
  readonly events: readonly HookEvent[];
  readonly weight: number;
  readonly deletePolicies: readonly string[];
}

/** Hooks and other documents, each in the order Helm prints them. */
export interface SortedManifests {
  readonly hooks: readonly RenderedHook[];
  readonly manifests: readonly RenderedManifest[];
}

const SPACE = '[\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const LEADING_SPACE = new RegExp(`^${SPACE}+`);
const IS_SPACE = new RegExp(SPACE);
const EVENTS: ReadonlyMap<string, HookEvent> = new Map<string, HookEvent>([
  ['pre-install', 'pre-install'],
  ['post-install', 'post-install'],
  ['pre-delete', 'pre-delete'],
  ['post-delete', 'post-delete'],
  ['pre-upgrade', 'pre-upgrade'],
  ['post-upgrade', 'post-upgrade'],
  ['pre-rollback', 'pre-rollback'],
  ['post-rollback', 'post-rollback'],
  ['test', 'test'],
  ['test-success', 'test'],
]);
const INSTALL_ORDER: readonly string[] = [
  'PriorityClass Namespace NetworkPolicy ResourceQuota LimitRange PodSecurityPolicy PodDisruptionBudget ServiceAccount Secret SecretList ConfigMap',
  'StorageClass PersistentVolume PersistentVolumeClaim CustomResourceDefinition ClusterRole ClusterRoleList ClusterRoleBinding ClusterRoleBindingList',
  'Role RoleList RoleBinding RoleBindingList Service DaemonSet Pod ReplicationController ReplicaSet Deployment HorizontalPodAutoscaler StatefulSet',
  'Job CronJob IngressClass Ingress APIService MutatingWebhookConfiguration ValidatingWebhookConfiguration',
].flatMap((line) => line.split(' '));
const RANKS: ReadonlyMap<string, number> = new Map(INSTALL_ORDER.map((kind, index) => [kind, index]));
const WEBHOOK_KINDS = new Set(['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration']);

/** Go's strings.TrimSpace. */
export function trimSpace(text: string): string {
  let end = text.length;
  while (end > 0 && IS_SPACE.test(text.charAt(end - 1))) end -= 1;
  return trimLeft(text.slice(0, end));
}

function trimLeft(text: string): string {
  return text.replace(LEADING_SPACE, '');
}

/** Splits a rendered file into documents as Helm does: at `---` wherever a line begins with it. */
export function splitManifests(text: string, compat: HelmCompat): readonly string[] {
  const documents = trimLeft(text).split(compat === 'helm4' ? /(?:^|(?<=\n))---[ \t]*/ : /(?:^|\s*\n)---\s*/);
  const trim = compat === 'helm4' ? trimLeft : trimSpace;
  return documents.map(trim).filter((document) => document !== '');
}

/** Sorts rendered files (by path) into hooks and manifests in install order. Throws an Error with Helm's words where a document is not YAML. */
export function sortManifests(files: ReadonlyMap<string, string>, compat: HelmCompat): SortedManifests {
  const hooks: RenderedHook[] = [];
  const manifests: RenderedManifest[] = [];
  for (const path of [...files.keys()].sort(compareBytes)) {
    for (const text of splitManifests(files.get(path) ?? '', compat)) {
      const found = readManifest(path, text);
      if (found === undefined) continue;
      if ('events' in found) hooks.push(found);
      else manifests.push(found);
    }
  }
  const byKind = (a: RenderedManifest, b: RenderedManifest): number => compareKinds(a.kind, b.kind, compat);
  return { hooks: hooks.sort(byKind), manifests: manifests.sort(byKind) };
}

function compareBytes(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function rankOf(kind: string, compat: HelmCompat): number | undefined {
  return compat === 'helm3' && WEBHOOK_KINDS.has(kind) ? undefined : RANKS.get(kind);
}

function compareKinds(a: string, b: string, compat: HelmCompat): number {
  const first = rankOf(a, compat);
  const second = rankOf(b, compat);
  if (first !== undefined && second !== undefined) return first - second;
  if (first === undefined && second === undefined) return compareBytes(a, b);
  return first === undefined ? 1 : -1;
}

function readManifest(path: string, text: string): RenderedManifest | RenderedHook | undefined {
  try {
    const value = readYaml(text);
    const head = readHead(value);
    const manifest: RenderedManifest = { path, text, kind: head.kind, apiVersion: head.apiVersion, value };
    const types = head.annotations.get('helm.sh/hook');
    return types === undefined ? manifest : readHook(manifest, head, types);
  } catch (error) {
    if (!(error instanceof Error) || error instanceof RangeError) throw error;
    throw new Error(`YAML parse error on ${path}: ${error.message}`, { cause: error });
  }
}

interface Head {
  readonly kind: string;
  readonly apiVersion: string;
  readonly name: string;
  readonly annotations: ReadonlyMap<string, string>;
}

const METADATA_TYPE = String.raw`struct { Name string "json:\"name\""; Annotations map[string]string "json:\"annotations\"" }`;

function readHead(value: GoValue): Head {
  if (value === null) return { kind: '', apiVersion: '', name: '', annotations: new Map() };
  if (!(value instanceof GoMap))
    throw new Error(`error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${jsonKind(value)} into Go value of type util.SimpleHead`);
  const head = new StructReader(value, 'SimpleHead');
  const apiVersion = head.text('apiVersion');
  const kind = head.text('kind');
  const metadata = head.struct('metadata', METADATA_TYPE);
  return { kind, apiVersion, name: metadata?.text('name') ?? '', annotations: metadata?.textMap('annotations') ?? new Map() };
}

function readHook(manifest: RenderedManifest, head: Head, types: string): RenderedHook | undefined {
  const events = words(types).map((type) => EVENTS.get(type));
  const known = events.filter((event) => event !== undefined);
  // A hook of an unknown kind is dropped, as Helm does.
  if (known.length < events.length) return undefined;
  const weight = head.annotations.get('helm.sh/hook-weight') ?? '';
  const policies = head.annotations.get('helm.sh/hook-delete-policy');
  return {
    ...manifest,
    name: head.name,
    events: known,
    weight: /^[-+]?\d{1,18}$/.test(weight) ? Number(weight) : 0,
    deletePolicies: policies === undefined ? [] : words(policies),
  };
}

function words(text: string): readonly string[] {
  return text.split(',').map((word) => trimSpace(word).toLowerCase());
}
