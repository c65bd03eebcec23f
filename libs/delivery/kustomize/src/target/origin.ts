import { emitYaml, type EmitNode } from '@tiphys/delivery-helm';
import { KustomizeError } from '../kustomize-error.ts';
import { parseRepoSpec } from '../load/repo-spec.ts';
import { ORIGIN, TRANSFORMATIONS } from '../resource/annotations.ts';
import type { ResMap } from '../resource/res-map.ts';
import type { Resource } from '../resource/resource.ts';

/** Where an object comes from, or what changed it (kustomize v5.8.1 api/resource/origin.go). */
export interface Origin {
  readonly path?: string;
  readonly repo?: string;
  readonly ref?: string;
  readonly configuredIn?: string;
  readonly configuredBy?: { readonly apiVersion: string; readonly kind: string; readonly name?: string; readonly namespace?: string };
}

/** The origin of what stands at a path of the one given: in its folder, or in a repository of its own. */
export function appendPath(origin: Origin, path: string): Origin {
  const spec = parseRepoSpec(path);
  if (spec instanceof KustomizeError) return { ...origin, path: join(origin.path ?? '', path) };
  return { ...origin, repo: spec.repository, ref: spec.revision, path: join('', spec.path) };
}

function join(folder: string, path: string): string {
  const parts: string[] = [];
  for (const part of `${folder}/${path}`.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else parts.push(part);
  }
  return parts.join('/');
}

/** The origin of what a kustomization's own field makes or changes. */
export function configuredBy(origin: Origin, file: string, kind: string): Origin {
  return { ...repositoryOf(origin), configuredIn: join(origin.path ?? '', file), configuredBy: { apiVersion: 'builtin', kind } };
}

/** The origin of what a configuration object makes or changes; undefined where nobody asked for origins. */
export function configuredByObject(resource: Resource): Origin | undefined {
  const text = resource.annotation(ORIGIN);
  if (text === undefined) return undefined;
  const { path = '', ...origin } = readOrigin(text);
  const { name, namespace } = resource;
  const names = { ...(name === '' ? {} : { name }), ...(namespace === '' ? {} : { namespace }) };
  return { ...repositoryOf(origin), configuredIn: path, configuredBy: { apiVersion: resource.apiVersion, kind: resource.kind, ...names } };
}

function repositoryOf({ repo, ref }: Origin): Origin {
  return { ...(repo === undefined ? {} : { repo }), ...(ref === undefined ? {} : { ref }) };
}

// Only what this file wrote is read: plain lines of names and values.
function readOrigin(text: string): Origin {
  const field = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1]?.replace(/^(["'])(.*)\1$/, '$2');
  const repo = field('repo');
  const ref = field('ref');
  return { path: field('path') ?? '', ...(repo === undefined ? {} : { repo }), ...(ref === undefined ? {} : { ref }) };
}

const FIELDS = ['path', 'repo', 'ref', 'configuredIn'] as const;

function toNode(origin: Origin): EmitNode {
  const text = (value: string): EmitNode => ({ kind: 'string', text: value });
  const entries: [string, EmitNode][] = FIELDS.flatMap((name): [string, EmitNode][] => {
    const value = origin[name] ?? '';
    return value === '' ? [] : [[name, text(value)]];
  });
  if (origin.configuredBy !== undefined) {
    entries.push([
      'configuredBy',
      { kind: 'map', entries: Object.entries(origin.configuredBy).map(([name, value]): [string, EmitNode] => [name, text(value)]) },
    ]);
  }
  return { kind: 'map', entries };
}

const STYLE = { width: Number.MAX_SAFE_INTEGER, indentsLists: false, tabsInBlocks: true };

/** The text of the annotation. */
export function formatOrigin(origin: Origin): string {
  return emitYaml(toNode(origin), STYLE);
}

/** Notes where objects come from that do not say it yet. */
export function addOrigin(resources: readonly Resource[], origin: Origin | undefined): void {
  if (origin === undefined) return;
  const text = formatOrigin(origin);
  for (const resource of resources) {
    if (resource.annotation(ORIGIN) === undefined) resource.setAnnotations(resource.annotations.set(ORIGIN, text));
  }
}

/** Notes a transformation on all objects; on those without an origin, that it made them. */
export function addTransformation(map: ResMap, origin: Origin): void {
  const made = formatOrigin(origin);
  const item = emitYaml({ kind: 'list', items: [toNode(origin)] }, STYLE);
  for (const resource of map.resources) {
    const { annotations } = resource;
    if (annotations.has(ORIGIN)) annotations.set(TRANSFORMATIONS, (annotations.get(TRANSFORMATIONS) ?? '') + item);
    else annotations.set(ORIGIN, made);
    resource.setAnnotations(annotations);
  }
}
