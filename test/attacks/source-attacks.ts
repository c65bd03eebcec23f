import { symlink } from 'node:fs/promises';
import path from 'node:path';
import { manifest, type Attack } from './tenants-attack.ts';
import type { Stage } from './tenants-stage.ts';

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

/** Sources that would read what the project does not list. */
export const sourceAttacks: readonly Attack[] = [...spellings, ...reaches];
