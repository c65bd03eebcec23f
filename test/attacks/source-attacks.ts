import { symlink } from 'node:fs/promises';
import path from 'node:path';
import { applicationType, type Application } from '@tiphys/delivery-applications';
import { messageOf } from '@tiphys/kernel';
import { eventually, signal } from '../e2e/delivery-harness.ts';
import { manifest, type Attack } from './tenants-attack.ts';
import { HOME, type Stage } from './tenants-stage.ts';

const NOT_PERMITTED = /is not permitted in project/;
const ALL_PLACES = [{ server: '*', namespace: 'a-*' }];
const ROOT = 'ROOT'; // Stands for the folder that holds the repositories.
const at = ({ steps }: Stage, text: string): string => text.replaceAll(ROOT, steps.rig.folder);

// A repository that rules do not admit, by one of its spellings.
const spelled = (repoURL: string, ...rules: readonly string[]): Attack => ({
  name: `repository ${repoURL} under ${rules.join(' ')}`,
  rules: (stage) => ({ destinations: ALL_PLACES, sourceRepos: rules.map((rule) => at(stage, rule)) }),
  spec: (stage) => ({ source: { repoURL: at(stage, repoURL), path: 'shop' } }),
  says: NOT_PERMITTED,
});
const HOST = 'https://127.0.0.1:1';
const spellings: readonly Attack[] = [
  ...['', '*x', 'ROOT/team', 'ROOT/team-', 'ROOT/TEAM-B', 'ROOT/team.b', 'ROOT/team-b,ROOT/app', 'ROOT/team-[', 'ROOT/tеam-b', '!ROOT/app', '/ROOT.*/'].map(
    (rule) => spelled('ROOT/team-b', rule),
  ),
  ...[
    'ROOT/app/../team-b',
    'file://ROOT/app/../team-b',
    'ROOT/app/./../team-b',
    'ROOT/app/x/../../team-b',
    'file://ROOT/app/%2e%2e/team-b',
    'ROOT/app/..//team-b',
  ].flatMap((url) => [spelled(url, 'ROOT/app*', 'ROOT/app/**'), spelled(url, 'ROOT/app/*', 'file://ROOT/app/*/*', 'ROOT/app/*/*', 'ROOT/app/*/*/*')]),
  ...['/', '//', '/.', '/./', '/.git', '/x/..', '.git', '/.git/'].map((end) => spelled(`ROOT/team-b${end}`, '*', '!ROOT/team-b')),
  ...[
    'ROOT/./team-b',
    'ROOT//team-b',
    'ROOT/app/../team-b',
    'file://ROOT/team-b',
    'file://ROOT/%74eam-b',
    'file://localhostROOT/team-b',
    'FILE://ROOT/team-b',
    ' ROOT/team-b',
  ].map((url) => spelled(url, '!ROOT/team-b', '*')),
  ...[
    '/team-a/../team-b/x',
    '/team-a/..%2Fteam-b',
    '/team-a/%2e%2e/team-b',
    '/team-a/%2E%2E%2Fteam-b',
    '/team-ab/x',
    '/TEAM-A/x',
    '/team-a%2Fx/y',
    '/team-a\\..\\team-b',
    '/team-a/..;/team-b',
    '@127.0.0.1:2/team-a/x',
    '\\@127.0.0.1:2/team-a/x',
  ].map((end) => spelled(`${HOST}${end}`, `${HOST}/team-a/*`)),
  ...['/team-b/x/', '/team-b//x', '/team-b/./x', '/team-a/../team-b/x', '/%74eam-b/x', '/team-b%2Fx', '/team-b/x.git/'].map((end) =>
    spelled(`${HOST}${end}`, '*', `!${HOST}/team-b/x`),
  ),
];

const REACH = /not permitted|not allowed|leads? out|lead out|not fetched|no match|outside|no such|not found|does not|is not|absolute|missing|remote|symbolic/i;
const fromOwn = (name: string, files: Attack['files'], more: Partial<Attack> = {}): Attack => ({
  name,
  ...(files === undefined ? {} : { files }),
  says: REACH,
  ...more,
});
const CHART = 'apiVersion: v2\nname: x\nversion: 1.0.0\n';
const TEMPLATE = { 'templates/a.yaml': '{{ .Values | toJson }}\n' };
const values = (file: string): Attack =>
  fromOwn(
    `value file ${file}`,
    { 'Chart.yaml': CHART, ...TEMPLATE },
    { spec: (stage, name) => ({ source: { repoURL: stage.steps.repo.directory, path: name, helm: { valueFiles: [at(stage, file)] } } }) },
  );
const dependency = (repository: string): Attack =>
  fromOwn(`dependency ${repository}`, (stage) => ({
    'Chart.yaml': `${CHART}dependencies: [{name: y, version: 1.0.0, repository: "${at(stage, repository)}"}]\n`,
    ...TEMPLATE,
  }));
const base = (resource: string): Attack => fromOwn(`base ${resource}`, (stage) => ({ 'kustomization.yaml': `resources: ["${at(stage, resource)}"]\n` }));
const linked = (name: string, target: string, link: string): Attack =>
  fromOwn(
    name,
    { 'b.yaml': manifest('ConfigMap', 'Bad_Name') },
    {
      prepare: async (stage, folder) => {
        await stage.steps.repo.commit({ [`${folder}/b.yaml`]: '' });
        await symlink(at(stage, target), path.join(stage.steps.repo.directory, folder, link));
      },
    },
  );

const reaches: readonly Attack[] = [
  ...[
    '../../team-b/values.yaml',
    '../../../team-b/values.yaml',
    'ROOT/team-b/values.yaml',
    'file://ROOT/team-b/values.yaml',
    `${HOST}/values.yaml`,
    '$b/values.yaml',
  ].map(values),
  ...['file://../../team-b', 'file://ROOT/team-b', `${HOST}/charts`, 'oci://127.0.0.1:1/charts', '@team-b'].map(dependency),
  ...['../../team-b/base', 'ROOT/team-b/base', 'file://ROOT/team-b//base?ref=main', `${HOST}/team-b//base`, 'git@127.0.0.1:team-b.git//base'].map(base),
  ...['../team-b/shop', 'ROOT/team-b/shop', 'x/../../team-b/shop'].map((folder) =>
    fromOwn(`path ${folder}`, { 'a.txt': '' }, { spec: (stage) => ({ source: { repoURL: stage.steps.repo.directory, path: at(stage, folder) } }) }),
  ),
  linked('link to a file of another repository', 'ROOT/team-b/shop/victim.yaml', 'a.yaml'),
  linked('link beyond the repository', '../../team-b/shop/victim.yaml', 'a.yaml'),
  fromOwn('import of a file of another repository', (stage) => ({
    'a.jsonnet': at(stage, "{apiVersion: 'v1', kind: 'ConfigMap', metadata: {name: 'x'}, data: {x: importstr 'ROOT/team-b/values.yaml'}}"),
  })),
  fromOwn(
    '$values of a repository of others',
    { 'Chart.yaml': CHART, ...TEMPLATE },
    {
      spec: (stage, name) => ({
        source: undefined,
        sources: [
          { repoURL: stage.steps.repo.directory, path: name, helm: { valueFiles: ['$b/values.yaml'] } },
          { repoURL: stage.victims.directory, targetRevision: 'main', ref: 'b' },
        ],
      }),
      says: NOT_PERMITTED,
    },
  ),
];

const OK = { 'a.yaml': manifest('ConfigMap', 'Bad_Name') };
const theirs = ({ victims }: Stage): object => ({ repoURL: victims.directory, path: 'shop', targetRevision: 'main' });
const patch = ({ steps }: Stage, name: string, body: object): Promise<Application> =>
  steps.rig.client.patch<Application>(applicationType, { name, namespace: HOME }, body, { type: 'merge', signal: signal() });
const answer = (promise: Promise<unknown>): Promise<string> => promise.then((value) => JSON.stringify(value), messageOf);

const detours: readonly Attack[] = [
  {
    name: 'the source of an operation',
    files: OK,
    says: NOT_PERMITTED,
    act: async (stage, name) => {
      await patch(stage, name, { operation: { sync: { source: theirs(stage) } } });
      const [run] = await eventually(
        'the run ends',
        () => stage.steps.running.controller.runs(`${HOME}_${name}`),
        ([first]) => first?.status?.finishedAt !== undefined,
      );
      return run?.status?.message;
    },
  },
  {
    name: 'a history that was never made, to be rolled back to',
    files: OK,
    says: NOT_PERMITTED,
    act: async (stage, name) => {
      const revision = await stage.victims.git('rev-parse', 'HEAD');
      await patch(stage, name, { status: { history: [{ id: 1, revision, source: theirs(stage), deployedAt: '2026-01-01T00:00:00Z' }] } });
      const instance = `${HOME}_${name}`;
      await eventually(
        'it is known',
        () => stage.steps.running.controller.applications.get(instance),
        (found) => JSON.stringify(found).includes('deployedAt'),
      );
      return answer(stage.steps.running.controller.rollback(instance, { actor: 'mallory', historyId: 1 }, signal()).then(stage.steps.ended));
    },
  },
  {
    name: "a pin on another team's run",
    files: OK,
    says: NOT_PERMITTED,
    spec: { syncPolicy: { automated: {} } },
    act: async (stage, name) => {
      const [run] = stage.steps.running.controller.runs('victim');
      const pin = { revision: run?.spec.revisions.join() ?? '', heldRevision: '', reason: 'x', until: '2099-01-01T00:00:00Z', run: run?.metadata.name };
      await patch(stage, name, { metadata: { annotations: { 'tiphys.dev/pin': JSON.stringify(pin) } } });
      const app = await eventually(
        'it says so',
        () => stage.steps.app(name, HOME),
        ({ status }) => NOT_PERMITTED.test(JSON.stringify(status?.conditions)),
      );
      return JSON.stringify(app.status?.conditions);
    },
  },
  {
    name: 'the words of a commit of a repository of others',
    spec: (stage) => ({ source: theirs(stage) }),
    says: NOT_PERMITTED,
    act: async (stage, name) =>
      answer(stage.steps.running.controller.revisionMetadata(`${HOME}_${name}`, await stage.victims.git('rev-parse', 'HEAD'), signal())),
  },
];

/** Sources that would read what the project does not list. */
export const sourceAttacks: readonly Attack[] = [...spellings, ...reaches, ...detours];
