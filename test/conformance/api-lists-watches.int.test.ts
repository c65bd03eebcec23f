import { eventually } from '@tiphys/testkit';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { ladder } from './ladder.ts';
import { PATCH, startConformancePlane, type Answer, type ConformancePlane } from './plane.ts';

let plane: ConformancePlane;
beforeAll(async () => {
  plane = await startConformancePlane();
});
afterAll(async () => {
  await plane[Symbol.asyncDispose]();
});

const TEMPLATES = 400;
const PAGE = 17;

const templateOf = (index: number): unknown => ({
  apiVersion: 'v1',
  kind: 'PodTemplate',
  metadata: { name: `template-${String(index).padStart(4, '0')}` },
  template: { spec: { containers: [{ name: 'test', image: 'test2' }] } },
});

async function createTemplates(path: string): Promise<void> {
  for (let first = 0; first < TEMPLATES; first += 50)
    await Promise.all(Array.from({ length: 50 }, (_, index) => plane.must(201, 'POST', path, { body: templateOf(first + index) })));
}

describe('sig-api-machinery: chunks', () => {
  const spec = ladder('A');

  spec('[sig-api-machinery] Servers with support for API chunking should return chunks of results for list calls', async () => {
    const path = `/api/v1/namespaces/${await plane.namespace()}/podtemplates`;
    await createTemplates(path);
    const found: string[] = [];
    let revision = '';
    let token = '';
    do {
      const page = await plane.must(200, 'GET', `${path}?limit=${PAGE}${token === '' ? '' : `&continue=${encodeURIComponent(token)}`}`);
      expect(page.items.length).toBeLessThanOrEqual(PAGE);
      if (revision === '') revision = page.metadata.resourceVersion;
      expect(page.metadata.resourceVersion).toBe(revision);
      found.push(...page.items.map((item: Answer['body']) => item.metadata.name));
      token = page.metadata.continue ?? '';
      if (token === '') expect(page.metadata.remainingItemCount).toBeUndefined();
      else expect(page.metadata.remainingItemCount).toBe(TEMPLATES - found.length);
    } while (token !== '');
    const all = await plane.must(200, 'GET', path);
    expect(found).toStrictEqual(all.items.map((item: Answer['body']) => item.metadata.name));
    expect(found).toHaveLength(TEMPLATES);
    // A page asked from anything else than its predecessor is refused.
    expect((await plane.call('GET', `${path}?limit=1&continue=nonsense`)).code).toBe(400);
  });

  spec(
    '[sig-api-machinery] Servers with support for API chunking should support continue listing from the last key if the original version has been compacted away, though the list is inconsistent [Slow]',
    async () => {
      const path = `/api/v1/namespaces/${await plane.namespace()}/podtemplates`;
      await createTemplates(path);
      const first = await plane.must(200, 'GET', `${path}?limit=${PAGE}`);
      // Upstream waits minutes for its compaction; ours is told to.
      await plane.must(201, 'POST', path, { body: templateOf(9_999) });
      plane.store.compact(plane.store.revision);
      const late = await plane.call('GET', `${path}?limit=${PAGE}&continue=${encodeURIComponent(first.metadata.continue)}`);
      expect([late.code, late.body.reason]).toStrictEqual([410, 'Expired']);
      const inconsistent = late.body.metadata.continue;
      expect(inconsistent).not.toBe('');
      let page = await plane.must(200, 'GET', `${path}?limit=${PAGE}&continue=${encodeURIComponent(inconsistent)}`);
      expect(page.metadata.resourceVersion).not.toBe(first.metadata.resourceVersion);
      const revision = page.metadata.resourceVersion;
      let seen = PAGE;
      for (;;) {
        seen += page.items.length;
        expect([page.metadata.resourceVersion, page.items.length <= PAGE]).toStrictEqual([revision, true]);
        if ((page.metadata.continue ?? '') === '') break;
        expect(page.metadata.remainingItemCount).toBe(TEMPLATES + 1 - seen);
        page = await plane.must(200, 'GET', `${path}?limit=${PAGE}&continue=${encodeURIComponent(page.metadata.continue)}`);
      }
      expect(seen).toBe(TEMPLATES + 1);
    },
  );
});

const map = (name: string, label: string, mutation = '0'): unknown => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, labels: { 'watch-this-configmap': label } },
  data: { mutation },
});

const A = 'multiple-watchers-A';
const B = 'multiple-watchers-B';

describe('sig-api-machinery: watchers', () => {
  const spec = ladder('A');
  const setUp = async (): Promise<string> => `/api/v1/namespaces/${await plane.namespace()}/configmaps`;
  const mutate = (path: string, mutation: string): Promise<Answer['body']> =>
    plane.must(200, 'PATCH', path, { body: { data: { mutation } }, contentType: PATCH.merge });

  spec('[sig-api-machinery] Watchers should observe add, update, and delete watch notifications on configmaps', async () => {
    const path = await setUp();
    const [a, b, both] = await Promise.all([
      plane.watch(`${path}?labelSelector=watch-this-configmap=${A}`),
      plane.watch(`${path}?labelSelector=watch-this-configmap=${B}`),
      plane.watch(`${path}?labelSelector=watch-this-configmap%20in%20(${A},${B})`),
    ]);
    await plane.must(201, 'POST', path, { body: map('a', A) });
    await mutate(`${path}/a`, '1');
    await mutate(`${path}/a`, '2');
    await plane.must(200, 'DELETE', `${path}/a`);
    await plane.must(201, 'POST', path, { body: map('b', B) });
    await plane.must(200, 'DELETE', `${path}/b`);
    for (const watch of [b, both]) await watch.until('the last deletion', (event) => event.type === 'DELETED' && event.object.metadata.name === 'b');
    await a.until('the deletion', (event) => event.type === 'DELETED');
    const told = (watch: typeof a): readonly string[] => watch.events.map(({ type, object }) => `${type} ${object.metadata.name} ${object.data.mutation}`);
    const ofA = ['ADDED a 0', 'MODIFIED a 1', 'MODIFIED a 2', 'DELETED a 2'];
    expect(told(a)).toStrictEqual(ofA);
    expect(told(b)).toStrictEqual(['ADDED b 0', 'DELETED b 0']);
    expect(told(both)).toStrictEqual([...ofA, 'ADDED b 0', 'DELETED b 0']);
    for (const watch of [a, b, both]) watch.close();
  });

  spec('[sig-api-machinery] Watchers should be able to start watching from a specific resource version', async () => {
    const path = await setUp();
    await plane.must(201, 'POST', path, { body: map('e2e', A) });
    const first = await mutate(`${path}/e2e`, '1');
    await mutate(`${path}/e2e`, '2');
    await plane.must(200, 'DELETE', `${path}/e2e`);
    const watch = await plane.watch(`${path}?resourceVersion=${first.metadata.resourceVersion}`);
    await watch.until('the deletion', (event) => event.type === 'DELETED');
    expect(watch.events.filter(({ object }) => object.metadata.name === 'e2e').map(({ type, object }) => `${type} ${object.data.mutation}`)).toStrictEqual([
      'MODIFIED 2',
      'DELETED 2',
    ]);
    watch.close();
  });

  spec('[sig-api-machinery] Watchers should be able to restart watching from the last resource version observed by the previous watch', async () => {
    const path = await setUp();
    const before = await plane.watch(`${path}?labelSelector=watch-this-configmap=${A}`);
    await plane.must(201, 'POST', path, { body: map('e2e', A) });
    await mutate(`${path}/e2e`, '1');
    const last = await before.until('the change', (event) => event.type === 'MODIFIED');
    before.close();
    await mutate(`${path}/e2e`, '2');
    await plane.must(200, 'DELETE', `${path}/e2e`);
    const after = await plane.watch(`${path}?labelSelector=watch-this-configmap=${A}&resourceVersion=${last.object.metadata.resourceVersion}`);
    await after.until('the deletion', (event) => event.type === 'DELETED');
    expect(after.events.map(({ type, object }) => `${type} ${object.data.mutation}`)).toStrictEqual(['MODIFIED 2', 'DELETED 2']);
    after.close();
  });

  spec('[sig-api-machinery] Watchers should observe an object deletion if it stops meeting the requirements of the selector', async () => {
    const path = await setUp();
    const watch = await plane.watch(`${path}?labelSelector=watch-this-configmap=${A}`);
    await plane.must(201, 'POST', path, { body: map('e2e', A) });
    await mutate(`${path}/e2e`, '1');
    const relabel = (label: string): Promise<unknown> =>
      plane.must(200, 'PATCH', `${path}/e2e`, { body: { metadata: { labels: { 'watch-this-configmap': label } } }, contentType: PATCH.merge });
    await relabel('somebody-else');
    await mutate(`${path}/e2e`, '2');
    await relabel(A);
    await mutate(`${path}/e2e`, '3');
    await plane.must(200, 'DELETE', `${path}/e2e`);
    await watch.until('the end', (event) => event.type === 'DELETED' && event.object.data.mutation === '3');
    expect(watch.events.map(({ type, object }) => `${type} ${object.data.mutation}`)).toStrictEqual([
      'ADDED 0',
      'MODIFIED 1',
      'DELETED 1',
      'ADDED 2',
      'MODIFIED 3',
      'DELETED 3',
    ]);
    watch.close();
  });

  spec('[sig-api-machinery] Watchers should receive events on concurrent watches in same order', async () => {
    const path = await setUp();
    const start = await plane.must(201, 'POST', path, { body: map('start', B) });
    const first = await plane.watch(`${path}?resourceVersion=${start.metadata.resourceVersion}`);
    const stop = new AbortController();
    const writing = (async () => {
      for (let round = 0; !stop.signal.aborted; round += 1) {
        const one = `${path}/n-${round % 5}`;
        const code = (await plane.call('GET', one)).code;
        if (code === 404) await plane.must(201, 'POST', path, { body: map(`n-${round % 5}`, B) });
        else if (round % 3 === 0) await plane.must(200, 'DELETE', one);
        else await mutate(one, String(round));
      }
    })();
    const watches = [];
    for (let count = 0; count < 20; count += 1) {
      const event = await first.until('another event', () => true);
      watches.push({
        after: event.object.metadata.resourceVersion,
        watch: await plane.watch(`${path}?resourceVersion=${event.object.metadata.resourceVersion}`),
      });
    }
    stop.abort();
    await writing;
    const versions = (events: readonly { readonly object: Answer['body'] }[]): readonly string[] => events.map(({ object }) => object.metadata.resourceVersion);
    const end = await plane.must(201, 'POST', path, { body: map('end', B) });
    for (const watch of [first, ...watches.map((other) => other.watch)])
      await eventually(
        'the watch has come to the end',
        () => versions(watch.events).at(-1),
        (last) => last === end.metadata.resourceVersion,
      );
    const all = versions(first.events);
    for (const { after, watch } of watches) {
      expect(versions(watch.events)).toStrictEqual(all.slice(all.indexOf(after) + 1));
      watch.close();
    }
    first.close();
  });
});

describe('sig-api-machinery: namespaces', () => {
  const spec = ladder('A');

  spec('[sig-api-machinery] Namespaces [Serial] should ensure that all services are removed when a namespace is deleted', async () => {
    const name = await plane.namespace();
    const path = `/api/v1/namespaces/${name}/services`;
    await plane.must(201, 'POST', path, {
      body: {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'test-service' },
        spec: { selector: { foo: 'bar' }, ports: [{ port: 80, targetPort: 80 }] },
      },
    });
    await plane.must(200, 'DELETE', `/api/v1/namespaces/${name}`);
    await eventually(
      'the namespace is gone',
      () => plane.call('GET', `/api/v1/namespaces/${name}`),
      ({ code }) => code === 404,
    );
    await plane.must(201, 'POST', '/api/v1/namespaces', { body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } } });
    expect((await plane.must(200, 'GET', path)).items).toStrictEqual([]);
  });

  spec('[sig-api-machinery] Namespaces [Serial] should patch a Namespace', async () => {
    const path = `/api/v1/namespaces/${await plane.namespace()}`;
    await plane.must(200, 'PATCH', path, { body: { metadata: { labels: { testLabel: 'testValue' } } }, contentType: PATCH.strategic });
    expect((await plane.must(200, 'GET', path)).metadata.labels.testLabel).toBe('testValue');
  });

  spec('[sig-api-machinery] Namespaces [Serial] should apply changes to a namespace status', async () => {
    const path = `/api/v1/namespaces/${await plane.namespace()}`;
    const before = await plane.must(200, 'GET', `${path}/status`);
    expect(before.status.phase).toBe('Active');
    const condition = { type: 'StatusPatch', status: 'True', reason: 'E2E', message: 'Patched by an e2e test' };
    const patched = await plane.must(200, 'PATCH', `${path}/status`, {
      body: { metadata: { annotations: { 'e2e-patched-ns-status': 'yes' } }, status: { conditions: [condition] } },
      contentType: PATCH.merge,
    });
    expect([patched.status.conditions.at(-1), patched.metadata.annotations['e2e-patched-ns-status']]).toStrictEqual([
      expect.objectContaining(condition),
      'yes',
    ]);
    const update = { type: 'StatusUpdate', status: 'True', reason: 'E2E', message: 'Updated by an e2e test' };
    const updated = await plane.must(200, 'PUT', `${path}/status`, {
      body: { ...patched, status: { ...patched.status, conditions: [...patched.status.conditions, update] } },
    });
    expect(updated.status.conditions).toHaveLength(2);
    expect((await plane.must(200, 'GET', path)).status.conditions.at(-1)).toMatchObject(update);
  });

  spec('[sig-api-machinery] Namespaces [Serial] should apply an update to a Namespace', async () => {
    const path = `/api/v1/namespaces/${await plane.namespace()}`;
    const live = await plane.must(200, 'GET', path);
    live.metadata.labels.updated = 'yes';
    expect((await plane.must(200, 'PUT', path, { body: live })).metadata.labels.updated).toBe('yes');
    // The next write from the old state is refused.
    expect((await plane.call('PUT', path, { body: live })).body.reason).toBe('Conflict');
  });

  spec('[sig-api-machinery] Namespaces [Serial] should apply a finalizer to a Namespace', async () => {
    const path = `/api/v1/namespaces/${await plane.namespace()}`;
    const live = await plane.must(200, 'GET', path);
    expect(live.spec.finalizers).toStrictEqual(['kubernetes']);
    live.spec.finalizers.push('e2e.example.com/fakeFinalizer');
    const added = await plane.must(200, 'PUT', `${path}/finalize`, { body: live });
    expect(added.spec.finalizers).toStrictEqual(['kubernetes', 'e2e.example.com/fakeFinalizer']);
    added.spec.finalizers.pop();
    expect((await plane.must(200, 'PUT', `${path}/finalize`, { body: added })).spec.finalizers).toStrictEqual(['kubernetes']);
    await plane.must(200, 'DELETE', path);
    await eventually(
      'the namespace is gone',
      () => plane.call('GET', path),
      ({ code }) => code === 404,
    );
  });
});
