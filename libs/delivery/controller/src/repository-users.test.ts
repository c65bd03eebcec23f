import { ARGO_API_VERSION } from '@tiphys/delivery-applications';
import type { KubeObject } from '@tiphys/kube-model';
import { expect, it } from 'vitest';
import { ChartSources } from './chart-sources.ts';
import { RepositoryUsers } from './repository-users.ts';

const app = (...urls: readonly string[]): KubeObject =>
  ({
    apiVersion: ARGO_API_VERSION,
    kind: 'Application',
    metadata: { name: 'a' },
    spec: { sources: urls.map((repoURL) => ({ repoURL })), destination: {} },
  }) as KubeObject;

it('tells the poller when a repository comes or goes, and not otherwise', () => {
  const told: string[] = [];
  const users = new RepositoryUsers({ setRepositories: (urls) => void told.push([...urls].join()), hint: () => 0 }, new ChartSources());
  users.set('one', app('https://h/x'));
  users.set('two', app('https://h/x'));
  users.set('two', app('https://h/x', 'https://h/y'));
  users.set('two', app('https://h/x', 'https://h/z'));
  users.delete('one');
  users.delete('two');
  expect(told).toEqual(['https://h/x', 'https://h/x,https://h/y', 'https://h/x,https://h/z', '']);
  users.set('three', app('https://h/x.git'));
  expect([users.of('https://h/x'), users.ofPlace('https://h/x')]).toEqual([[], ['three']]);
});
