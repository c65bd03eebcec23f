import { applicationType, type ApplicationDestination } from '@tiphys/delivery-applications';
import { eventually, signal } from '../e2e/delivery-harness.ts';
import { manifest, type Attack } from './tenants-attack.ts';
import { HOME, SERVER, type Stage } from './tenants-stage.ts';

const FORBIDDEN_PLACE = /do not match any of the allowed destinations in project/;
const FORBIDDEN_HOME = /is not permitted to use project/;
// The folder of one manifest that all of these would deploy.
const from = ({ steps }: Stage): object => ({ source: { repoURL: steps.repo.directory, path: 'shared' } });

// An application that wants to go somewhere, under rules that do not say so.
const place = (name: string, rules: readonly ApplicationDestination[], destination: ApplicationDestination, says = FORBIDDEN_PLACE): Attack => ({
  name: `destination: ${name}`,
  rules: { destinations: rules },
  spec: (stage) => ({ ...from(stage), destination }),
  says,
});
const inB: ApplicationDestination = { server: SERVER, namespace: 'b-shop' };
const pattern = (namespace: string): Attack => place(`pattern "${namespace}" for b-shop`, [{ server: SERVER, namespace }], inB);
const all: ApplicationDestination = { server: '*', namespace: '*' };
const alias = (server: string, says = FORBIDDEN_PLACE): Attack =>
  place(`"${server}" for a denied cluster`, [all, { server: `!${SERVER}`, namespace: '*' }], { server, namespace: 'b-shop' }, says);

const destinations: readonly Attack[] = [
  place('a longer name than the one allowed', [{ server: SERVER, namespace: 'a' }], { server: SERVER, namespace: 'ab' }),
  place('a shorter name than the pattern', [{ server: SERVER, namespace: 'ab*' }], { server: SERVER, namespace: 'a-shop' }),
  ...[
    '',
    'B-SHOP',
    'b-shop/',
    '/b-shop',
    'b.shop',
    '^b',
    '(b-shop)',
    'b-shop|x',
    'b-sh[',
    'b-{x',
    'a-shop,b-shop',
    'b-shоp',
    'b-shop ',
    '!argocd',
    '/b-.*/',
    'b-\\*',
  ].map(pattern),
  place('no rule at all', [], inB),
  place('an empty rule', [{}], inB),
  place('a rule for another cluster', [{ server: 'https://other.example', namespace: '*' }], inB),
  place('deny before allow', [{ server: '*', namespace: '!b-*' }, all], inB),
  place('deny after allow', [all, { server: '*', namespace: '!b-*' }], inB),
  place('denied by server, named by name', [all, { server: `!${SERVER}`, namespace: '*' }], { name: 'in-cluster', namespace: 'b-shop' }),
  place('denied by name, named by server', [all, { name: '!in-cluster', namespace: '*' }], inB),
  place(
    'allowed server beside a name',
    [{ server: 'https://ok.example', namespace: '*' }],
    { server: 'https://ok.example', name: 'in-cluster', namespace: 'b-shop' },
    /./,
  ),
  ...[`${SERVER}/`, `${SERVER}//`, ''].map((server) => alias(server)),
  ...['https://KUBERNETES.default.svc', `${SERVER}:443`, `${SERVER}.cluster.local`, 'http://kubernetes.default.svc', `${SERVER}/%2e`].map((server) =>
    alias(server, /there is no cluster|do not match any/),
  ),
];

const homes: readonly Attack[] = [
  '',
  'tenants-ab',
  'tenants',
  'Tenants-a',
  'tenants.a',
  'tenants-а',
  '!tenants-b',
  'tenants-a,x',
  '/^tenants$/',
  '/[/',
  'tenants-[',
  HOME.toUpperCase(),
].map((namespace) => ({
  name: `home: sourceNamespaces "${namespace}"`,
  spec: from,
  rules: { sourceNamespaces: [namespace], destinations: [all] },
  says: FORBIDDEN_HOME,
}));

const projects: readonly Attack[] = [
  ...['team-b', 'default', ''].map((project) => ({
    name: `project: "${project}" by name`,
    spec: (stage: Stage) => ({ ...from(stage), project }),
    says: FORBIDDEN_HOME,
  })),
  ...['TEAM-A', 'team-a ', 'team-*', 'team-а', '../team-b', 'argocd/team-b'].map((project) => ({
    name: `project: "${project}", which is none`,
    spec: (stage: Stage) => ({ ...from(stage), project }),
    says: /does not exist|spec is invalid/,
  })),
  {
    name: 'project: moved to another one once it is accepted',
    files: { 'a.yaml': manifest('ConfigMap', 'moved', 'b-shop') },
    says: FORBIDDEN_HOME,
    act: async ({ steps }, name) => {
      const patch = { spec: { project: 'team-b', destination: { server: SERVER, namespace: 'b-shop' } } };
      await steps.rig.client.patch(applicationType, { name, namespace: HOME }, patch, { type: 'merge', signal: signal() });
      await eventually(
        'it is refused',
        () => steps.app(name, HOME),
        ({ status }) => status?.conditions?.some(({ type }) => type === 'InvalidSpecError') === true,
      );
      return steps.start(`${HOME}_${name}`).then(
        () => 'accepted',
        (error: unknown) => String(error),
      );
    },
  },
];

/** Rules of projects read in ways their authors did not mean. */
export const patternAttacks: readonly Attack[] = [...destinations, ...homes, ...projects];
