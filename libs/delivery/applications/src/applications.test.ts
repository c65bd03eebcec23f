import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import type { KubeObject } from '@tiphys/kube-model';
import { roleOf, waveOf } from './annotations.ts';
import { crdManifests } from './crds.ts';
import { instanceKey, instanceName } from './instance-name.ts';
import {
  checkApplication,
  checkResource,
  defaultProject,
  ignoresOrphan,
  impersonationFor,
  isRepoPermitted,
  isSourceNamespacePermitted,
  withGlobalProjects,
  type AppProject,
  type ProjectSpec,
} from './project.ts';
import { normalizeRepoUrl } from './repo-url.ts';
import { parseApplication } from './schema.ts';
import { defaultSyncOptions, parseSyncOptions, resourceSyncOptions } from './sync-options.ts';
import { applicationLabel } from './sync-run.ts';
import { applicationOf, formatTrackingId, parseTrackingId, withTracking } from './tracking.ts';

function app(spec: unknown): KubeObject {
  return { apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', metadata: { name: 'a' }, spec } as KubeObject;
}
function annotated(annotations: Record<string, string>): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'n', annotations } };
}
const cluster = { server: 'https://kubernetes.default.svc', name: 'in-cluster' };

describe('parseApplication', () => {
  it('keeps fields nobody here reads', () => {
    const object = app({
      project: 'p',
      source: { repoURL: 'https://x/y', path: '.', helm: { valueFiles: ['a'] }, newField: 1 },
      destination: { server: 's', namespace: 'n' },
      future: { a: 1 },
    });
    expect(parseApplication(object)).toEqual({ kind: 'valid', value: object });
  });
  it('names every problem by path', () => {
    const result = parseApplication(
      app({ project: 'p', source: { repoURL: '' }, destination: { server: 's', name: 'n' }, syncPolicy: { retry: { backoff: { duration: 'soon' } } } }),
    );
    expect(result.kind === 'invalid' ? result.problems.map((problem) => problem.split(':')[0]) : []).toEqual([
      'spec.source.repoURL',
      'spec.syncPolicy.retry.backoff.duration',
      'spec.destination',
    ]);
  });
  it('requires a source and reads null as absent', () => {
    expect(parseApplication(app({ destination: {} })).kind).toBe('invalid');
    expect(parseApplication(app({ sources: [{ repoURL: 'r' }], destination: {}, syncPolicy: { automated: null } }))).toMatchObject({
      kind: 'valid',
      value: { spec: { syncPolicy: {} } },
    });
  });
});

describe('project rules', () => {
  const project: AppProject = {
    ...defaultProject,
    metadata: { name: 'team' },
    spec: {
      sourceRepos: ['https://github.com/team/*', '!https://github.com/team/secret'],
      destinations: [
        { server: '*', namespace: 'team-*' },
        { server: '*', namespace: '!team-admin' },
      ],
      clusterResourceWhitelist: [{ group: '', kind: 'Namespace' }],
      namespaceResourceBlacklist: [{ group: 'rbac.authorization.k8s.io', kind: '*' }],
    },
  };
  const spec = (repoURL: string, namespace: string) => ({ project: 'team', source: { repoURL }, destination: { server: cluster.server, namespace } });
  it.each([
    ['https://github.com/team/web', 'team-a', 0],
    ['git@github.com:Team/Web.git', 'team-a', 0],
    ['https://github.com/team/secret', 'team-a', 1],
    ['https://github.com/other/web', 'other', 2],
    ['https://github.com/team/web', 'team-admin', 1],
  ])('%s into %s has %i problems', (repo, namespace, count) => {
    expect(checkApplication(project, spec(repo, namespace), cluster)).toHaveLength(count);
  });
  it('judges kinds by scope', () => {
    const ref = { group: '', version: 'v1', kind: 'ConfigMap', namespace: 'team-a', name: 'x' };
    expect(checkResource(project, ref, true, cluster)).toBeUndefined();
    expect(checkResource(project, { ...ref, namespace: 'kube-system' }, true, cluster)).toContain('kube-system');
    expect(checkResource(project, { ...ref, group: 'rbac.authorization.k8s.io', kind: 'Role' }, true, cluster)).toContain('not permitted');
    expect(checkResource(project, { group: '', version: 'v1', kind: 'Namespace', name: 'x' }, false, cluster)).toBeUndefined();
    expect(checkResource(project, { group: '', version: 'v1', kind: 'Node', name: 'x' }, false, cluster)).toContain('not permitted');
  });
});

describe('more project rules', () => {
  const project = (spec: ProjectSpec): AppProject => ({ ...defaultProject, metadata: { name: 'team' }, spec });
  const at = (server: string, namespace: string, of: AppProject, name = 'c', scope?: string): boolean =>
    checkApplication(
      of,
      { project: 'team', source: { repoURL: 'r' }, destination: { namespace } },
      { server, name, ...(scope === undefined ? {} : { project: scope }) },
    ).length === 0;
  it.each([
    [['https://host/team/*'], 'https://host/team/web', true],
    [['https://host/team/*'], 'https://host/team/deep/web', false],
    [['https://host/team/**'], 'https://host/team/deep/web', true],
    [['!https://host/secret'], 'https://host/web', false],
    [['!https://host/secret'], 'https://host/secret', false],
    [['*', '!https://host/secret'], 'git@host:secret.git', false],
    [[], 'https://host/web', false],
  ])('repositories %j permit %s: %s', (sourceRepos, url, permitted) => expect(isRepoPermitted(project({ sourceRepos }), url)).toBe(permitted));
  it.each([
    [[{ server: 'https://a', namespace: '!kube-system' }], 'https://a', 'shop', false],
    [
      [
        { server: 'https://b', namespace: '!kube-system' },
        { server: '*', namespace: '*' },
      ],
      'https://a',
      'kube-system',
      false,
    ],
    [
      [
        { server: 'https://b', namespace: '!kube-system' },
        { server: '*', namespace: '*' },
      ],
      'https://a',
      'shop',
      true,
    ],
    [
      [
        { server: '*', namespace: '*' },
        { server: '!https://a', namespace: '*' },
      ],
      'https://a',
      'shop',
      false,
    ],
    [[{ name: 'c', namespace: 'shop' }], 'https://a', 'shop', true],
    [[{ name: 'other', namespace: 'shop' }], 'https://a', 'shop', false],
    [
      [
        { name: '!c', namespace: '*' },
        { server: '*', namespace: '*' },
      ],
      'https://a',
      'shop',
      false,
    ],
    [[{ server: 'https://*', namespace: 'team-*' }], 'https://a', 'team-x', true],
  ])('destinations %j permit %s %s: %s', (destinations, server, namespace, permitted) =>
    expect(at(server, namespace, project({ sourceRepos: ['*'], destinations }))).toBe(permitted),
  );
  it('admits only its own clusters where it says so', () => {
    const own = project({ sourceRepos: ['*'], destinations: [{ server: '*', namespace: '*' }], permitOnlyProjectScopedClusters: true });
    expect([at('https://a', 'x', own), at('https://a', 'x', own, 'c', 'other'), at('https://a', 'x', own, 'c', 'team')]).toEqual([false, false, true]);
  });
  it('reads source namespaces as globs and expressions', () => {
    const spaces = project({ sourceNamespaces: ['team-*', '/^dev-[0-9]+$/', '/(/'] });
    expect(['argocd', 'team-a', 'dev-1', 'dev-x', '('].map((name) => isSourceNamespacePermitted(spaces, name, 'argocd'))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });
  it('narrows cluster-scoped kinds by name', () => {
    const named = project({ clusterResourceWhitelist: [{ group: '', kind: 'Namespace', name: 'team-*' }] });
    const namespace = (name: string) => checkResource(named, { group: '', version: 'v1', kind: 'Namespace', name }, false, cluster);
    expect(namespace('team-a')).toBeUndefined();
    expect(namespace('kube-system')).toContain('not permitted');
  });
  it('leaves orphans unsaid', () => {
    const quiet = project({ orphanedResources: { ignore: [{ kind: 'ConfigMap', name: 'kube-*' }, { group: 'apps' }] } });
    const ref = (group: string, kind: string, name: string) => ({ group, version: 'v1', kind, namespace: 'n', name });
    expect([ref('', 'ConfigMap', 'kube-root'), ref('', 'ConfigMap', 'mine'), ref('apps', 'Deployment', 'x')].map((key) => ignoresOrphan(quiet, key))).toEqual([
      true,
      false,
      true,
    ]);
  });
  it.each([
    [{ namespace: 'shop' }, { kind: 'user', user: 'system:serviceaccount:shop:deployer' }],
    [{ namespace: 'ops' }, { kind: 'user', user: 'system:serviceaccount:admin:root' }],
    [{}, { kind: 'refused' }],
  ])('writes to %j as %j', (destination, expected) => {
    const accounts = project({
      destinationServiceAccounts: [
        { server: '*', namespace: 'shop', defaultServiceAccount: 'deployer' },
        { server: cluster.server, namespace: 'ops', defaultServiceAccount: 'admin:root' },
      ],
    });
    expect(impersonationFor(accounts, destination, cluster, 'argocd')).toMatchObject(expected);
  });
  it('joins the rules of global projects', () => {
    const global = project({ namespaceResourceBlacklist: [{ group: '', kind: 'Secret' }], sourceRepos: ['b'] });
    expect(withGlobalProjects(project({ sourceRepos: ['a'], description: 'mine' }), [global]).spec).toEqual({
      description: 'mine',
      sourceRepos: ['a', 'b'],
      namespaceResourceBlacklist: [{ group: '', kind: 'Secret' }],
    });
  });
});

describe('instance names', () => {
  it.each([
    ['argocd', 'shop', 'shop'],
    ['team', 'shop', 'team_shop'],
  ])('%s/%s is %s', (namespace, name, instance) => {
    expect(instanceName({ metadata: { namespace, name } }, 'argocd')).toBe(instance);
    expect(instanceKey(instance, 'argocd')).toEqual({ namespace, name });
  });
});

describe('tracking', () => {
  it('reads what it writes', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/),
        fc.stringMatching(/^[a-z.]{0,10}$/),
        fc.stringMatching(/^[A-Z][a-z]{1,10}$/),
        fc.stringMatching(/^[a-z]{0,8}$/),
        fc.stringMatching(/^[a-z][a-z:.-]{0,20}$/),
        (application, group, kind, namespace, name) => {
          expect(parseTrackingId(formatTrackingId(application, { group, version: 'v1', kind, namespace, name }))).toEqual({
            application,
            group,
            kind,
            namespace,
            name,
          });
        },
      ),
    );
  });
  it('gives a copied object to nobody', () => {
    const tracked = withTracking(annotated({}), 'shop');
    expect(applicationOf(tracked)).toBe('shop');
    expect(applicationOf({ ...tracked, metadata: { ...tracked.metadata, name: 'copy' } })).toBeUndefined();
    expect(applicationOf({ ...tracked, metadata: { ...tracked.metadata, namespace: 'other' } })).toBeUndefined();
  });
});

describe('annotations', () => {
  it.each([
    [{}, { kind: 'resource' }],
    [{ 'argocd.argoproj.io/hook': 'Skip' }, { kind: 'skip' }],
    [
      { 'argocd.argoproj.io/hook': 'PreSync,PostSync', 'argocd.argoproj.io/hook-delete-policy': 'HookSucceeded' },
      { kind: 'hook', phases: ['PreSync', 'PostSync'], deletePolicies: ['HookSucceeded'] },
    ],
    [{ 'argocd.argoproj.io/hook': 'Nonsense' }, { kind: 'hook', phases: [], deletePolicies: ['BeforeHookCreation'] }],
    [{ 'helm.sh/hook': 'pre-install,pre-upgrade' }, { kind: 'hook', phases: ['PreSync'], deletePolicies: ['BeforeHookCreation'] }],
    [{ 'helm.sh/hook': 'test' }, { kind: 'hook', phases: [], deletePolicies: ['BeforeHookCreation'] }],
    [{ 'helm.sh/hook': 'crd-install' }, { kind: 'resource' }],
    [
      { 'argocd.argoproj.io/hook': 'Sync', 'helm.sh/hook': 'pre-install', 'helm.sh/hook-delete-policy': 'hook-failed' },
      { kind: 'hook', phases: ['Sync'], deletePolicies: ['HookFailed'] },
    ],
  ])('role of %j', (annotations, role) => expect(roleOf(annotated(annotations as Record<string, string>))).toEqual(role));
  it('reads waves and options', () => {
    expect(waveOf(annotated({ 'argocd.argoproj.io/sync-wave': '-5' }))).toBe(-5);
    expect(waveOf(annotated({ 'helm.sh/hook-weight': '3' }))).toBe(3);
    expect(waveOf(annotated({ 'argocd.argoproj.io/sync-wave': 'x' }))).toBe(0);
    expect(parseSyncOptions(['CreateNamespace=true', 'Prune=false', 'Unknown=1', 'PrunePropagationPolicy=orphan'])).toMatchObject({
      createNamespace: true,
      prune: 'no',
      prunePropagationPolicy: 'Orphan',
    });
  });
});

describe('sync options', () => {
  it.each([
    ['ServerSideApply=false', { serverSideApply: false }],
    ['ServerSideApply=true', { serverSideApply: true }],
    ['ClientSideApplyMigration=false', { clientSideApplyMigration: false }],
    ['Delete=confirm', { delete: 'confirm' }],
    ['Prune=confirm', { prune: 'confirm' }],
    ['Validate=false', { validate: false }],
    ['PruneLast=true', { pruneLast: true }],
    ['RespectIgnoreDifferences=true', { respectIgnoreDifferences: true }],
    ['FailOnSharedResource=true', { failOnSharedResource: true }],
    ['SkipDryRunOnMissingResource=true', { skipDryRunOnMissingResource: true }],
    ['toString=true', {}],
  ])('reads %s', (option, change) => expect(parseSyncOptions([option])).toEqual({ ...defaultSyncOptions, ...change }));
  it('lets the object decide over the application, and keeps what Helm keeps', () => {
    const application = parseSyncOptions(['Prune=false', 'Replace=true']);
    const object = annotated({ 'argocd.argoproj.io/sync-options': 'Prune=true, Replace=false' });
    expect(resourceSyncOptions(object, application)).toMatchObject({ prune: 'yes', replace: false });
    expect(resourceSyncOptions(annotated({ 'helm.sh/resource-policy': 'keep' }), defaultSyncOptions)).toMatchObject({ prune: 'no', delete: 'no' });
  });
});

describe('repository URLs', () => {
  it.each([
    ['https://GitHub.com/Org/Repo.git', 'github.com/org/repo'],
    ['git@github.com:org/repo.git', 'github.com/org/repo'],
    ['ssh://git@github.com:22/org/repo/', 'github.com/org/repo'],
    ['http://user:pw@Host:8080/Path/Repo.git', 'host:8080/Path/Repo'],
    ['file:///srv/repo', '/srv/repo'],
    ['/srv/repo/.git', '/srv/repo'],
    ['/srv/a/../b/./c//', '/srv/b/c'],
    ['/../srv', '/srv'],
    ['/srv/a%2Fb', '/srv/a%2Fb'],
    ['file:///srv/%72epo/.', '/srv/repo'],
    ['FILE://localhost/srv/repo', '/srv/repo'],
    ['https://git.example./team-a/..%2Fteam-b/%78', 'git.example/team-b/x'],
    ['https://git.example/My%20Project/_git/x', 'git.example/My Project/_git/x'],
    ['https://git.example/%ff/x', 'git.example/%ff/x'],
    ['git@git.example:a/../b.git', 'git.example/b'],
  ])('%s is %s', (url, form) => expect(normalizeRepoUrl(url)).toBe(form));
});

it('labels fit and the CRDs are four', () => {
  expect(applicationLabel('x'.repeat(200)).length).toBeLessThanOrEqual(63);
  expect(crdManifests().map((crd) => crd.metadata.name)).toEqual([
    'applications.argoproj.io',
    'applicationsets.argoproj.io',
    'appprojects.argoproj.io',
    'syncruns.tiphys.dev',
  ]);
});
