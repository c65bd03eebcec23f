import type { Application, HealthStatusCode, SyncStatusCode } from '@tiphys/delivery-applications';
import { describe, expect, it } from 'vitest';
import { parseListQuery, selectApplications } from './list-query.ts';

function application(name: string, sync: SyncStatusCode, health: HealthStatusCode, project = 'default'): Application {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name, labels: { team: project } },
    spec: { project, source: { repoURL: `https://git.test/${project}` }, destination: { namespace: name } },
    status: { sync: { status: sync }, health: { status: health } },
  };
}

const all = [
  application('a', 'Synced', 'Healthy'),
  application('b', 'OutOfSync', 'Healthy', 'shop'),
  application('c', 'Synced', 'Degraded', 'shop'),
  application('d', 'OutOfSync', 'Degraded'),
];
const select = (query: string) => selectApplications(all, parseListQuery(new URLSearchParams(query)));
const names = (query: string) => select(query).items.map((item) => item.metadata.name);

describe('selectApplications', () => {
  it.each([
    ['', ['d', 'c', 'b', 'a']],
    ['sort=name', ['a', 'b', 'c', 'd']],
    ['sort=name&order=desc', ['d', 'c', 'b', 'a']],
    ['sort=name&health=Degraded', ['c', 'd']],
    ['sort=name&health=Degraded,Healthy&project=shop', ['b', 'c']],
    ['sort=name&search=SHOP', ['b', 'c']],
    ['sort=name&selector=team%3Dshop', ['b', 'c']],
    ['sort=name&limit=2&offset=1', ['b', 'c']],
  ])('?%s', (query, want) => {
    expect(names(query)).toEqual(want);
  });

  it('counts a facet over what the other filters leave', () => {
    const { total, facets } = select('health=Degraded&limit=1');
    expect(total).toBe(2);
    expect(facets.health).toEqual({ Degraded: 2, Healthy: 2 });
    expect(facets.sync).toEqual({ OutOfSync: 1, Synced: 1 });
  });

  it.each(['sort=colour', 'limit=-1', 'limit=ten', 'selector=a%3D%3D%3Db'])('refuses ?%s with a sentence', (query) => {
    expect(() => parseListQuery(new URLSearchParams(query))).toThrow(/sort|limit|selector/);
  });
});
