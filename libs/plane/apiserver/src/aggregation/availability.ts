import { messageOf, toTimestamp } from '@tiphys/kernel';
import { deepEqual, isStatus, type apiregistrationv1, type corev1, type discoveryv1 } from '@tiphys/kube-model';
import { StoreError } from '@tiphys/plane-store';
import type { Core, Scope, WriteFlags } from '../core.ts';
import { asList, asMap, asText, draftAs, type JsonMap } from '../draft.ts';
import { parseStored } from '../registry/objects.ts';
import { changeObject } from '../verbs/update.ts';
import { askRemote, identityHeaders } from './connect.ts';
import type { RemoteResource, RemoteVersion } from './remote-versions.ts';

const PREFIX = '/apiregistration.k8s.io/apiservices/';
const FLAGS: WriteFlags = { dryRun: false, fieldManager: 'kube-aggregator', fieldValidation: 'Ignore', force: false, warn: () => undefined };
const AGGREGATOR = { username: 'system:kube-aggregator', groups: ['system:masters'] };
const CHECK_MS = 30_000;
const CHECK_TIMEOUT_MS = 5_000;
const MAX_DISCOVERY_BYTES = 4 * 1024 * 1024;

type ApiService = apiregistrationv1.APIService;
type Condition = Pick<apiregistrationv1.APIServiceCondition, 'status' | 'reason' | 'message'>;

/** Looks after the versions of other servers, now, with every change that may matter and every half minute, until the signal aborts. */
export async function followRemotes(core: Core, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const { revision } = core.store;
    await checkRemotes(core, signal);
    await nextOccasion(core, revision, signal);
  }
}

// Services and their endpoints decide whether a server can be reached.
const PREFIXES = [PREFIX, '/core/services/', '/discovery.k8s.io/endpointslices/'];

async function nextOccasion(core: Core, afterRevision: number, signal: AbortSignal): Promise<void> {
  const done = new AbortController();
  const stop = (): void => done.abort();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const change = async (prefix: string): Promise<void> => {
    for await (const { events } of core.store.watch({ prefix, afterRevision, signal: done.signal }))
      if (events.some(({ key }) => prefix === PREFIX || concerns(core, key))) return;
  };
  // Without other servers there is nothing to ask again.
  const again = core.remotes.all().length === 0 ? [] : [core.clock.sleep(CHECK_MS, done.signal)];
  try {
    await Promise.race([...again, ...PREFIXES.map(change)]);
  } catch (error) {
    // Too much has happened in between: look again.
    if (!(error instanceof StoreError && error.code !== 'closed') && !done.signal.aborted) throw error;
  } finally {
    stop();
    signal.removeEventListener('abort', stop);
  }
}

function concerns(core: Core, key: string): boolean {
  return core.remotes.all().some(({ service }) => key.includes(`/${service.namespace}/`));
}

async function checkRemotes(core: Core, signal: AbortSignal): Promise<void> {
  const services = core.store.list({ prefix: PREFIX }).entries.map((entry) => draftAs<ApiService>(parseStored(entry.value)) as ApiService); // Read only.
  const checked = await Promise.all(services.filter((each) => each.spec?.service !== undefined).map(async (each) => await checkOne(core, each, signal)));
  if (signal.aborted) return;
  core.remotes.replace(checked.map(({ remote }) => remote));
  for (const { service, condition } of checked) await tell(core, service, condition);
}

interface Checked {
  readonly service: ApiService;
  readonly remote: RemoteVersion;
  readonly condition: Condition;
}

async function checkOne(core: Core, service: ApiService, signal: AbortSignal): Promise<Checked> {
  const remote = remoteOf(core, service);
  const broken = pathProblem(core, remote);
  if (broken !== undefined) return { service, remote: { ...remote, isAvailable: false }, condition: { status: 'False', ...broken } };
  try {
    const resources = await discover(core, remote, signal);
    return { service, remote: { ...remote, isAvailable: true, resources }, condition: { status: 'True', reason: 'Passed', message: 'all checks passed' } };
  } catch (error) {
    const message = `failing or missing response from https://${remote.service.name}.${remote.service.namespace}.svc:${remote.service.port}${pathOf(remote)}: ${messageOf(error)}`;
    return { service, remote: { ...remote, isAvailable: false }, condition: { status: 'False', reason: 'FailedDiscoveryCheck', message } };
  }
}

function remoteOf(core: Core, { metadata, spec }: ApiService): RemoteVersion {
  const { group = '', version = '', service, caBundle } = spec ?? {};
  return {
    name: metadata.name ?? '',
    group,
    version,
    groupPriority: spec?.groupPriorityMinimum ?? 0,
    versionPriority: spec?.versionPriority ?? 0,
    service: { namespace: service?.namespace ?? '', name: service?.name ?? '', port: service?.port ?? 443 },
    caPem: caBundle === undefined ? undefined : Buffer.from(caBundle, 'base64').toString(),
    skipsVerification: spec?.insecureSkipTLSVerify === true,
    isAvailable: false,
    resources: core.remotes.find(group, version)?.resources ?? [],
  };
}

const pathOf = ({ group, version }: RemoteVersion): string => `/apis/${group}/${version}`;

// The words and reasons of kube-aggregator's availability controller.
function pathProblem(core: Core, { service: { namespace, name, port } }: RemoteVersion): Omit<Condition, 'status'> | undefined {
  const entry = core.store.get(`/core/services/${namespace}/${name}`);
  if (entry === undefined) return { reason: 'ServiceNotFound', message: `service/${name} in ${JSON.stringify(namespace)} is not present` };
  const service = draftAs<corev1.Service>(parseStored(entry.value));
  if (service.spec?.ports?.some((each) => each.port === port) !== true)
    return { reason: 'ServicePortError', message: `service/${name} in ${JSON.stringify(namespace)} is not listening on port ${port}` };
  const slices = core.store
    .list({ prefix: `/discovery.k8s.io/endpointslices/${namespace}/` })
    .entries.map((slice) => draftAs<discoveryv1.EndpointSlice>(parseStored(slice.value)))
    .filter((slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === name);
  if (slices.length === 0) return { reason: 'EndpointsNotFound', message: `cannot find endpointslices for service/${name} in ${JSON.stringify(namespace)}` };
  const isReady = slices.some((slice) => (slice.endpoints ?? []).some((endpoint) => endpoint.conditions?.ready !== false && endpoint.addresses.length > 0));
  return isReady ? undefined : { reason: 'MissingEndpoints', message: `endpoints for service/${name} in ${JSON.stringify(namespace)} have no addresses` };
}

async function discover(core: Core, remote: RemoteVersion, signal: AbortSignal): Promise<readonly RemoteResource[]> {
  const timed = new AbortController();
  const stop = (): void => timed.abort();
  const timer = setTimeout(stop, CHECK_TIMEOUT_MS);
  signal.addEventListener('abort', stop, { once: true });
  try {
    const headers = { accept: 'application/json', ...identityHeaders(AGGREGATOR) };
    const response = await askRemote(core, remote, { method: 'GET', path: pathOf(remote), headers, signal: timed.signal });
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of response) {
      const bytes = Buffer.from(part as Uint8Array); // An IncomingMessage without encoding yields bytes.
      size += bytes.length;
      if (size > MAX_DISCOVERY_BYTES) throw new Error(`answer larger than ${MAX_DISCOVERY_BYTES} bytes`);
      parts.push(bytes);
    }
    if (response.statusCode !== 200) throw new Error(`bad status: ${response.statusCode}`);
    return resourcesOf(remote, asMap(JSON.parse(Buffer.concat(parts).toString())) ?? {});
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

const texts = (value: unknown): readonly string[] => asList(value).map(String);

// An APIResourceList names subresources beside their resources.
function resourcesOf(remote: RemoteVersion, list: JsonMap): readonly RemoteResource[] {
  const rows = asList(list['resources']).map((row) => asMap(row) ?? {});
  const nameOf = (row: JsonMap): string => asText(row['name']) ?? '';
  return rows
    .filter((row) => nameOf(row) !== '' && !nameOf(row).includes('/'))
    .map((row) => ({
      group: remote.group,
      version: remote.version,
      resource: nameOf(row),
      kind: asText(row['kind']) ?? '',
      singular: asText(row['singularName']) ?? '',
      namespaced: row['namespaced'] === true,
      verbs: texts(row['verbs']),
      shortNames: texts(row['shortNames']),
      categories: texts(row['categories']),
      subresources: rows
        .filter((sub) => nameOf(sub).startsWith(`${nameOf(row)}/`))
        .map((sub) => ({
          name: nameOf(sub).slice(nameOf(row).length + 1),
          kind: asText(sub['kind']) ?? '',
          verbs: texts(sub['verbs']),
          ...(asText(sub['version']) === undefined ? {} : { group: asText(sub['group']) ?? '', version: asText(sub['version']) ?? '' }),
        })),
    }));
}

async function tell(core: Core, service: ApiService, condition: Condition): Promise<void> {
  const known = service.status?.conditions?.find(({ type }) => type === 'Available');
  const same = known !== undefined && deepEqual({ status: known.status, reason: known.reason, message: known.message }, condition);
  const served = core.catalog.find('apiregistration.k8s.io', 'v1', 'apiservices');
  if (same || served === undefined) return;
  const since = known?.status === condition.status ? known.lastTransitionTime : undefined;
  const next = { type: 'Available', ...condition, lastTransitionTime: since ?? toTimestamp(core.clock.now()) };
  const scope: Scope = {
    served,
    namespace: undefined,
    name: service.metadata.name ?? '',
    subresource: 'status',
    user: AGGREGATOR,
    userAgent: FLAGS.fieldManager,
  };
  try {
    await changeObject(
      core,
      scope,
      (live) =>
        Object.assign(live, {
          status: { conditions: [...(draftAs<ApiService>(live).status?.conditions ?? []).filter(({ type }) => type !== 'Available'), next] },
        }),
      FLAGS,
    );
  } catch (error) {
    // Deleted in the meantime.
    if (!isStatus(error, 'NotFound')) throw error;
  }
}
