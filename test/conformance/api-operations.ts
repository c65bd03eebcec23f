import { isDeepStrictEqual } from 'node:util';
import { eventually } from '@tiphys/testkit';
import { expect } from 'vitest';
import { PATCH, type Answer, type ConformancePlane } from './plane.ts';

/** A resource whose operations are to be seen. */
export interface Operations {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  readonly namespace?: string;
  /** Subresources that discovery must name. */
  readonly subresources?: readonly string[];
  /** What differs between objects besides the name; counts from 0. */
  readonly make: (index: number) => Readonly<Record<string, unknown>>;
  /** Names objects; by default `<kind>-<index>`. */
  readonly nameOf?: (index: number) => string;
  /** A status written by merge patch and then by update. */
  readonly status?: StatusWrites;
}

/** What is written to a status. */
export interface StatusWrites {
  readonly patch: unknown;
  readonly update: unknown;
  /** Metadata written along with the status is dropped. */
  readonly dropsMetadata?: boolean;
}

/** Where objects of a kind are. */
export function collectionOf({ group, version, resource }: Pick<Operations, 'group' | 'version' | 'resource'>, namespace: string | undefined): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  return `${root}/${namespace === undefined ? '' : `namespaces/${namespace}/`}${resource}`;
}

/** Discovery names the group, the version, the resource and its subresources. */
export async function checkDiscovery(plane: ConformancePlane, operations: Omit<Operations, 'make' | 'kind'>): Promise<void> {
  const { group, version, resource, subresources = [] } = operations;
  const groups = await plane.must(200, 'GET', '/apis');
  expect(groups.groups.map((found: Answer['body']) => found.name)).toContain(group);
  const found = await plane.must(200, 'GET', `/apis/${group}`);
  expect(found.versions.map((candidate: Answer['body']) => candidate.version)).toContain(version);
  const resources = await plane.must(200, 'GET', `/apis/${group}/${version}`);
  const names = resources.resources.map((candidate: Answer['body']) => candidate.name);
  for (const name of [resource, ...subresources.map((sub) => `${resource}/${sub}`)]) expect(names).toContain(name);
}

/** create, get, list, watch, update, patch, delete and deletecollection, and what is asked of the status. */
export async function checkOperations(plane: ConformancePlane, operations: Operations): Promise<void> {
  const { kind, group, version, namespace } = operations;
  const path = collectionOf(operations, namespace);
  const everywhere = collectionOf(operations, undefined);
  const label = `suite=${kind.toLowerCase()}-operations`;
  const nameOf = operations.nameOf ?? ((index) => `${kind.toLowerCase()}-${index}`);
  const bodyOf = (index: number): unknown => ({
    apiVersion: group === '' ? version : `${group}/${version}`,
    kind,
    metadata: { name: nameOf(index), labels: { suite: `${kind.toLowerCase()}-operations` } },
    ...operations.make(index),
  });
  const created = [];
  for (const index of [0, 1, 2]) created.push(await plane.must(201, 'POST', path, { body: bodyOf(index) }));
  const one = `${path}/${nameOf(0)}`;
  expect((await plane.must(200, 'GET', one)).metadata.uid).toBe(created[0].metadata.uid);
  for (const collection of new Set([path, everywhere])) {
    const list = await plane.must(200, 'GET', `${collection}?labelSelector=${label}`);
    expect(list.kind).toBe(`${kind}List`);
    expect(list.items.map((item: Answer['body']) => item.metadata.name)).toStrictEqual([0, 1, 2].map(nameOf));
  }
  const watch = await plane.watch(`${path}?resourceVersion=${created[2].metadata.resourceVersion}&labelSelector=${label}`);
  const patched = await plane.must(200, 'PATCH', one, { body: { metadata: { annotations: { patched: 'true' } } }, contentType: PATCH.merge });
  expect(patched.metadata.annotations.patched).toBe('true');
  const modified = await watch.until('the patch', (event) => event.type === 'MODIFIED' && event.object.metadata.name === nameOf(0));
  expect(modified.object.metadata.annotations.patched).toBe('true');
  const updated = await plane.edit(one, (live) => void (live.metadata.annotations.updated = 'true'));
  expect(updated.metadata.annotations.updated).toBe('true');
  await watch.until('the update', (event) => event.type === 'MODIFIED' && event.object.metadata.annotations.updated === 'true');
  if (operations.status !== undefined) await checkStatus(plane, one, operations.status);
  await plane.must(200, 'DELETE', one);
  await watch.until('the deletion', (event) => event.type === 'DELETED' && event.object.metadata.name === nameOf(0));
  watch.close();
  expect((await plane.call('GET', one)).code).toBe(404);
  expect((await plane.must(200, 'GET', `${path}?labelSelector=${label}`)).items).toHaveLength(2);
  await plane.must(200, 'DELETE', `${path}?labelSelector=${label}`);
  await eventually(
    `${path} is empty`,
    () => plane.must(200, 'GET', `${path}?labelSelector=${label}`),
    (list) => list.items.length === 0,
  );
}

/** The status is patched and updated through its subresource, seen by reads, and leaves the spec alone. */
export async function checkStatus(plane: ConformancePlane, one: string, { patch, update, dropsMetadata = false }: StatusWrites): Promise<void> {
  const before = await plane.must(200, 'GET', `${one}/status`);
  const patched = await plane.must(200, 'PATCH', `${one}/status`, {
    body: { metadata: { annotations: { patchedstatus: 'true' } }, status: patch },
    contentType: PATCH.merge,
  });
  expectStatus(patched, patch);
  expect(patched.metadata.annotations?.patchedstatus).toBe(dropsMetadata ? undefined : 'true');
  const updated = await plane.edit(`${one}/status`, (live) => void (live.status = { ...live.status, ...(update as object) }));
  expectStatus(updated, update);
  const after = await plane.must(200, 'GET', one);
  expectStatus(after, update);
  expect(isDeepStrictEqual(after.spec, before.spec)).toBe(true);
}

// Controllers may say more than the test did.
function expectStatus({ status }: Answer['body'], wanted: unknown): void {
  for (const [field, value] of Object.entries(wanted as object))
    expect(status[field]).toEqual(Array.isArray(value) ? expect.arrayContaining(value.map((item: unknown) => expect.objectContaining(item as object))) : value);
}
