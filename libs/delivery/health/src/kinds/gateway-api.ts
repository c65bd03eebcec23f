import { fieldAt, isJsonObject, type JsonObject, type KubeObject } from '@tiphys/kube-model';
import { health, type Assess, type Health } from '../health.ts';
import { byConditions, forKinds, type RuleTable } from '../rules/rule.ts';
import { conditionsOf, isStaleCondition, listAt, textAt, type Condition } from '../rules/status.ts';

// Gateway API (gateway-api.sigs.k8s.io): one entry of conditions for each parent that a route asked for.
const REFUSALS = ['Accepted', 'ResolvedRefs'];

interface Reporter {
  readonly name: string;
  readonly conditions: readonly Condition[];
}

function reportersOf(live: KubeObject, list: string, reference: string): readonly Reporter[] {
  return listAt(live, 'status', list).map((entry: JsonObject) => ({
    name: textAt(entry, reference, 'name'),
    conditions: conditionsOf(entry, 'conditions'),
  }));
}

function assessReports(kind: string, noun: string, reporters: readonly Reporter[]): Health {
  if (reporters.every(({ conditions }) => conditions.length === 0)) return health('Progressing', `Waiting for ${kind} status`);
  const unmet = reporters.flatMap(({ name, conditions }) => conditions.filter(({ status }) => status === 'False').map((condition) => ({ name, condition })));
  const refused = unmet.find(({ condition }) => REFUSALS.includes(condition.type));
  const found = refused ?? unmet.find(({ condition }) => condition.type === 'Programmed');
  if (found === undefined) return health('Healthy', `${kind} is healthy`);
  const words = found.condition.message || `Failed condition: ${found.condition.type}`;
  return health(refused === undefined ? 'Progressing' : 'Degraded', `${noun} ${found.name}: ${words}`);
}

function assessRoute(kind: string): Assess {
  return (live) => {
    // A parent that was only wanted by an older spec keeps its last words; they no longer count.
    const reporters = reportersOf(live, 'parents', 'parentRef').map(({ name, conditions }) => ({
      name,
      conditions: conditions.filter((condition) => !isStaleCondition(live, condition)),
    }));
    return assessReports(kind, 'Parent', reporters);
  };
}

function assessPolicy(kind: string): Assess {
  return (live) => {
    const reporters = reportersOf(live, 'ancestors', 'ancestorRef');
    const late = reporters.find(({ conditions }) => conditions.some((condition) => isStaleCondition(live, condition)));
    if (late !== undefined) return health('Progressing', `Waiting for Ancestor ${late.name} to update ${kind} status`);
    return assessReports(kind, 'Ancestor', reporters);
  };
}

function assessGateway(kind: string): Assess {
  return (live) => {
    const conditions = conditionsOf(live).filter((condition) => !isStaleCondition(live, condition));
    if (conditions.length === 0) return health('Progressing', `Waiting for ${kind} status`);
    const refused = conditions.find(({ type, status }) => status === 'False' && REFUSALS.includes(type));
    if (refused !== undefined) return health(refused.reason === 'Pending' ? 'Progressing' : 'Degraded', refused.message || `Failed condition: ${refused.type}`);
    const broken = listAt(live, 'status', 'listeners')
      .flatMap((listener) => conditionsOf(listener, 'conditions').map((condition) => ({ name: textAt(listener, 'name'), condition })))
      .find(({ condition }) => condition.status === 'False' && REFUSALS.includes(condition.type));
    if (broken !== undefined) return health('Degraded', `Listener ${broken.name}: ${broken.condition.message || `Failed condition: ${broken.condition.type}`}`);
    const programmed = conditions.find(({ type }) => type === 'Programmed' || type === 'Ready');
    if (programmed?.status === 'True') return health('Healthy', `${kind} is healthy`);
    const isHopeless = programmed?.status === 'False' && programmed.reason === 'Invalid';
    return health(isHopeless ? 'Degraded' : 'Progressing', programmed?.message || `Waiting for ${kind} to be programmed`);
  };
}

const CLASS_WAITING = 'Waiting for GatewayClass status';
const assessAcceptance = byConditions({
  clauses: [
    { type: 'Accepted', status: 'True', is: 'Healthy' },
    { type: 'Accepted', status: 'False', is: 'Degraded' },
    { type: 'Accepted', is: 'Progressing' },
  ],
  waiting: CLASS_WAITING,
});

/** The kinds of the Kubernetes Gateway API. */
export const gatewayApiRules: RuleTable = {
  ...forKinds('gateway.networking.k8s.io', ['GRPCRoute', 'HTTPRoute', 'TCPRoute', 'TLSRoute', 'UDPRoute'], assessRoute),
  ...forKinds('gateway.networking.k8s.io', ['BackendTLSPolicy'], assessPolicy),
  ...forKinds('gateway.networking.k8s.io', ['Gateway', 'ListenerSet'], assessGateway),
  'gateway.networking.k8s.io/GatewayClass': (live) =>
    conditionsOf(live).some((condition) => condition.type === 'Accepted' && isStaleCondition(live, condition))
      ? health('Progressing', CLASS_WAITING)
      : assessAcceptance(live),
};

// Gloo (docs.solo.io): a word, or the number of it; in newer versions one entry for each namespace that a controller runs in.
const GLOO_STATES = ['Pending', 'Accepted', 'Rejected', 'Warning'] as const;

function assessGloo(live: KubeObject): Health {
  const status = fieldAt(live, 'status');
  const byNamespace = fieldAt(status, 'statuses');
  const reports = isJsonObject(byNamespace) ? Object.values(byNamespace) : [status];
  const stated = reports.map((report) => ({ state: glooState(fieldAt(report, 'state')), reason: textAt(report, 'reason') }));
  const failed = stated.find(({ state }) => state === 'Rejected' || state === 'Warning');
  if (failed !== undefined) return health('Degraded', failed.reason);
  if (stated.some(({ state }) => state === 'Pending')) return health('Suspended', 'The resource has not yet been validated');
  if (stated.some(({ state }) => state === 'Accepted')) return health('Healthy', 'The resource has been validated');
  return health('Progressing', 'Update in progress');
}

function glooState(state: unknown): string | undefined {
  return typeof state === 'number' ? GLOO_STATES[state] : typeof state === 'string' ? state : undefined;
}

const GATEWAY_SOLO = [
  'Gateway',
  'HttpGateway',
  'ListenerOption',
  'MatchableHttpGateway',
  'MatchableTcpGateway',
  'RouteOption',
  'RouteTable',
  'TcpGateway',
  'VirtualHostOption',
  'VirtualService',
];

// Contour: Valid; a proxy that no root includes is orphaned.
const CONTOUR_WAITING = 'Waiting for status';
const assessValidity = byConditions({
  clauses: [
    { type: 'Valid', status: 'True', is: 'Healthy' },
    { type: 'Valid', status: 'False', is: 'Degraded' },
  ],
  waiting: CONTOUR_WAITING,
});

function assessContour(live: KubeObject): Health | undefined {
  const isLate = conditionsOf(live).some((condition) => condition.type === 'Valid' && isStaleCondition(live, condition));
  return isLate ? health('Progressing', CONTOUR_WAITING) : assessValidity(live);
}

/** Gateways with an API of their own: Gloo, Contour, OpenShift routes. */
export const proxyRules: RuleTable = {
  ...forKinds('gateway.solo.io', GATEWAY_SOLO, () => assessGloo),
  ...forKinds('gloo.solo.io', ['Proxy', 'Settings', 'Upstream', 'UpstreamGroup'], () => assessGloo),
  ...forKinds('projectcontour.io', ['ExtensionService', 'HTTPProxy'], () => assessContour),
  'route.openshift.io/Route': (live) => {
    const admitted = listAt(live, 'status', 'ingress').flatMap((ingress) => conditionsOf(ingress, 'conditions').filter(({ type }) => type === 'Admitted'));
    if (admitted.length === 0) return health('Progressing', 'Route is still getting admitted');
    if (admitted.some(({ status }) => status === 'False')) return health('Degraded', 'Route is degraded');
    return admitted.every(({ status }) => status === 'True') ? health('Healthy', 'Route is healthy') : health('Progressing', 'Route is still getting admitted');
  },
};
