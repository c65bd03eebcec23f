import { fieldAt, statusError, type authenticationv1, type corev1 } from '@tiphys/kube-model';
import { toTimestamp } from '@tiphys/kernel';
import type { Core, Scope, UserInfo, WriteFlags } from '../core.ts';
import { admissionRequest, admitMutating, admitWrite } from '../admission/chain.ts';
import { identifyToken } from '../auth/authenticate.ts';
import { isAllowed, rulesFor, type Attributes } from '../auth/authorize.ts';
import { reasonOf } from '../auth/reason.ts';
import { expiryOf, ISSUER } from '../auth/tokens.ts';
import { asList, asMap, asText, draftAs, type Draft } from '../draft.ts';
import { badRequest, conflict, invalid, problem } from '../failures.ts';
import { mustGetEntry, parseStored, readAs } from '../registry/objects.ts';

const text = (value: unknown, ...path: readonly string[]): string => asText(fieldAt(value, ...path)) ?? '';

/** Kinds that are questions: created, answered in their status, never stored. Undefined when the resource is none of them. */
export async function answerReview(core: Core, scope: Scope, body: Draft): Promise<Draft | undefined> {
  switch (scope.served.resource) {
    case 'selfsubjectaccessreviews':
      return { ...body, status: accessStatus(core, scope.user, body) };
    case 'localsubjectaccessreviews':
      checkNamespace(scope, body.spec);
      return { ...body, status: accessStatus(core, subjectOf(body), body) };
    case 'subjectaccessreviews':
      return { ...body, status: accessStatus(core, subjectOf(body), body) };
    case 'selfsubjectrulesreviews':
      return { ...body, status: rulesStatus(core, scope.user, text(body.spec, 'namespace')) };
    case 'selfsubjectreviews':
      return { ...body, status: { userInfo: scope.user } };
    case 'tokenreviews':
      return { ...body, status: await tokenStatus(core, body.spec) };
    default:
      return undefined;
  }
}

function accessStatus(core: Core, user: UserInfo, { spec, kind }: Pick<Draft, 'spec' | 'kind'>): unknown {
  const resource = fieldAt(spec, 'resourceAttributes');
  const path = fieldAt(spec, 'nonResourceAttributes');
  if ((resource === undefined) === (path === undefined))
    throw invalid('authorization.k8s.io', kind, '', [
      resource === undefined
        ? problem.invalid('spec.resourceAttributes', null, 'exactly one of nonResourceAttributes or resourceAttributes must be specified')
        : problem.invalid('spec.nonResourceAttributes', path, 'cannot be specified in combination with resourceAttributes'),
    ]);
  const attributes: Attributes =
    resource === undefined
      ? { kind: 'path', verb: text(path, 'verb'), path: text(path, 'path') }
      : {
          kind: 'resource',
          verb: text(resource, 'verb'),
          group: text(resource, 'group'),
          resource: text(resource, 'resource'),
          subresource: text(resource, 'subresource'),
          namespace: text(resource, 'namespace'),
          name: text(resource, 'name'),
        };
  const allowed = isAllowed(core, user, attributes);
  const reason = allowed ? reasonOf(core, user, attributes) : '';
  return { allowed, ...(reason === '' ? {} : { reason }) };
}

// A question about somebody says about whom.
function subjectOf({ spec, kind }: Pick<Draft, 'spec' | 'kind'>): UserInfo {
  const [username, groups, uid] = [text(spec, 'user'), asList(fieldAt(spec, 'groups')).map(String), text(spec, 'uid')];
  if (username === '' && groups.length === 0)
    throw invalid('authorization.k8s.io', kind, '', [problem.invalid('spec.user', username, 'at least one of user or group must be specified')]);
  return { username, groups, ...(uid === '' ? {} : { uid }) };
}

function checkNamespace(scope: Scope, spec: unknown): void {
  const namespace = text(spec, 'resourceAttributes', 'namespace');
  if (namespace !== scope.namespace) throw badRequest(`spec.resourceAttributes.namespace must match namespace: ${scope.namespace ?? ''}`);
}

function rulesStatus(core: Core, user: UserInfo, namespace: string): unknown {
  const rules = user.groups.includes('system:masters')
    ? [
        { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
        { verbs: ['*'], nonResourceURLs: ['*'] },
      ]
    : rulesFor(core, user, namespace);
  return {
    resourceRules: rules.filter((rule) => rule.nonResourceURLs === undefined || rule.nonResourceURLs.length === 0),
    nonResourceRules: rules.filter((rule) => (rule.nonResourceURLs ?? []).length > 0),
    incomplete: false,
  };
}

async function tokenStatus(core: Core, spec: unknown): Promise<unknown> {
  const token = text(spec, 'token');
  if (token === '') throw badRequest('token is required for TokenReview in authentication');
  const audiences = asList(fieldAt(spec, 'audiences')).map(String);
  const identity = await identifyToken(core, token, audiences.length === 0 ? undefined : audiences);
  return identity === undefined
    ? { authenticated: false, user: {}, error: 'invalid bearer token' }
    : { authenticated: true, user: identity.user, audiences: identity.audiences };
}

const MIN_SECONDS = 600;
const MAX_SECONDS = 2 ** 32;
// What kubelets ask for: clients that never read their token again get a year, and warnings (KEP-1205).
const EXTENDED_SECONDS = 3_607;
const YEAR_SECONDS = 365 * 86_400;

/** Issues a token of a service account (`serviceaccounts/token`). */
export async function requestToken(core: Core, scope: Scope, body: Draft, flags: WriteFlags): Promise<Draft> {
  const account = draftAs<corev1.ServiceAccount>(readAs(scope.served, mustGetEntry(core, scope).value));
  const request = admissionRequest('CREATE', scope, flags, { object: body });
  await admitMutating(core, request);
  return await admitWrite(core, request, () => issueToken(core, scope, body, account.metadata.uid ?? ''));
}

async function issueToken(core: Core, scope: Scope, body: Draft, uid: string): Promise<Draft> {
  const spec = asMap(body.spec) as authenticationv1.TokenRequestSpec | undefined; // Coerced to the schema of TokenRequest.
  const expirationSeconds = spec?.expirationSeconds ?? 3_600;
  if (expirationSeconds < MIN_SECONDS)
    throw invalid('authentication.k8s.io', 'TokenRequest', '', [
      problem.invalid('spec.expirationSeconds', expirationSeconds, 'may not specify a duration less than 10 minutes'),
    ]);
  if (expirationSeconds > MAX_SECONDS)
    throw invalid('authentication.k8s.io', 'TokenRequest', '', [
      problem.invalid('spec.expirationSeconds', expirationSeconds, 'may not specify a duration larger than 2^32 seconds'),
    ]);
  const bound = boundOf(core, scope, spec?.boundObjectRef);
  const node = bound?.kind === 'Pod' ? nodeOf(core, scope, bound.name) : undefined;
  const isExtended = expirationSeconds === EXTENDED_SECONDS && bound?.kind === 'Pod' && (spec?.audiences ?? [ISSUER]).includes(ISSUER);
  const token = await core.tokens.issueServiceAccount(
    {
      namespace: scope.namespace ?? '',
      name: scope.name,
      uid,
      audiences: spec?.audiences ?? [],
      expirationSeconds: isExtended ? YEAR_SECONDS : expirationSeconds,
      ...(isExtended ? { warnAfterSeconds: expirationSeconds } : {}),
      ...(bound === undefined ? {} : { bound }),
      ...(node === undefined ? {} : { node }),
    },
    core.clock.now(),
  );
  const expiresAt = isExtended ? Math.floor(core.clock.now() / 1_000) + expirationSeconds : expiryOf(token);
  const status = { token, expirationTimestamp: toTimestamp(expiresAt * 1_000) };
  return {
    ...body,
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    metadata: { ...body.metadata, name: scope.name, namespace: scope.namespace ?? '' },
    spec: { ...spec, audiences: spec?.audiences ?? [ISSUER], expirationSeconds },
    status,
  };
}

function boundOf(core: Core, scope: Scope, ref: authenticationv1.BoundObjectReference | undefined): { kind: string; name: string; uid: string } | undefined {
  if (ref?.kind === undefined || ref.name === undefined) return undefined;
  const resource = { Pod: 'pods', Secret: 'secrets', Node: 'nodes' }[ref.kind];
  if (resource === undefined) throw badRequest(`cannot bind token for serviceaccount "${scope.name}" to object type ${ref.kind}`);
  const key = ref.kind === 'Node' ? `/core/nodes/${ref.name}` : `/core/${resource}/${scope.namespace ?? ''}/${ref.name}`;
  const entry = core.store.get(key);
  if (entry === undefined) throw statusError('NotFound', `${resource} "${ref.name}" not found`);
  const uid = readAs(scope.served, entry.value).metadata.uid ?? '';
  if (ref.uid !== undefined && ref.uid !== uid)
    throw conflict(
      { group: '', resource },
      ref.name,
      `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  return { kind: ref.kind, name: ref.name, uid };
}

// Where the bound pod runs: its token says so (KEP-4193).
function nodeOf(core: Core, scope: Scope, pod: string): { readonly name: string; readonly uid: string } | undefined {
  const entry = core.store.get(`/core/pods/${scope.namespace ?? ''}/${pod}`);
  const name = entry === undefined ? '' : text(parseStored(entry.value).spec, 'nodeName');
  const node = name === '' ? undefined : core.store.get(`/core/nodes/${name}`);
  return node === undefined ? undefined : { name, uid: parseStored(node.value).metadata.uid ?? '' };
}
