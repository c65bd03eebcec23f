import { loadKubeconfig, type Connection } from '@tiphys/kube-client';
import { fieldAt, isJsonObject, type corev1 } from '@tiphys/kube-model';
import { DeliveryError } from './delivery-error.ts';
import { secretText } from './secrets.ts';

/** Annotation of a cluster Secret: applications that go there are not reconciled. */
const SKIP_ANNOTATION = 'argocd.argoproj.io/skip-reconcile';

/** What a cluster Secret says besides how to connect (argo-cd util/db/cluster.go SecretToCluster). */
export interface ClusterDescription {
  readonly server: string;
  readonly name: string;
  readonly project?: string;
  readonly isSkipped: boolean;
  readonly namespaces?: readonly string[];
  readonly clusterResources: boolean;
}

/** Reads a cluster Secret. The shard it may name is ours to choose and is not read. */
export function describeCluster(secret: corev1.Secret): ClusterDescription {
  const server = (secretText(secret, 'server') ?? '').replace(/\/+$/, '');
  const name = secretText(secret, 'name') ?? '';
  const project = secretText(secret, 'project') ?? '';
  const namespaces = (secretText(secret, 'namespaces') ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
  return {
    server,
    name: name === '' ? server : name,
    ...(project === '' ? {} : { project }),
    isSkipped: secret.metadata.annotations?.[SKIP_ANNOTATION] === 'true',
    ...(namespaces.length === 0 ? {} : { namespaces }),
    clusterResources: secretText(secret, 'clusterResources') === 'true',
  };
}

/** How a cluster Secret says to connect. Throws DeliveryError `unknownCluster` that names what cannot be read, and no value of it. */
export function connectionOf(secret: corev1.Secret): Connection {
  const { server, name } = describeCluster(secret);
  const refuse = (why: string, hint?: string): never => {
    throw new DeliveryError({ code: 'unknownCluster' }, `cluster ${name}: ${why}`, hint === undefined ? {} : { hint });
  };
  if (!/^https?:\/\//.test(server)) refuse(`server '${server}' is not a URL`);
  const config = parseConfig(secretText(secret, 'config') ?? '{}') ?? refuse('the config of its Secret is not a JSON object');
  if (fieldAt(config, 'awsAuthConfig') !== undefined && fieldAt(config, 'awsAuthConfig') !== null)
    refuse('awsAuthConfig is not supported: it needs a program of Argo CD', 'use execProviderConfig with `aws eks get-token`, or a bearer token');
  const text = (...path: readonly string[]): string | undefined => {
    const value = fieldAt(config, ...path);
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const pem = (key: string): string | undefined => {
    const value = text('tlsClientConfig', key);
    return value === undefined ? undefined : Buffer.from(value, 'base64').toString('utf8');
  };
  const insecure = fieldAt(config, 'tlsClientConfig', 'insecure') === true;
  const ca = pem('caData');
  if (insecure && ca !== undefined) refuse('tlsClientConfig has both insecure and caData', 'leave one of them out');
  const clientCert = pem('certData');
  const clientKey = pem('keyData');
  if ((clientCert === undefined) !== (clientKey === undefined)) refuse('tlsClientConfig needs certData and keyData together');
  const exec = fieldAt(config, 'execProviderConfig');
  const token = isJsonObject(exec) ? execToken(server, exec) : text('bearerToken');
  const [serverName, username, proxyUrl] = [text('tlsClientConfig', 'serverName'), text('username'), text('proxyUrl')];
  if (proxyUrl !== undefined && !/^https?:\/\//.test(proxyUrl)) refuse('proxyUrl is neither an http nor an https URL');
  return {
    server,
    userAgent: 'tiphys',
    ...(token === undefined ? {} : { token }),
    ...(ca === undefined ? {} : { ca }),
    ...(clientCert === undefined ? {} : { clientCert }),
    ...(clientKey === undefined ? {} : { clientKey }),
    ...(serverName === undefined ? {} : { serverName }),
    ...(username === undefined ? {} : { basicAuth: { username, password: text('password') ?? '' } }),
    ...(proxyUrl === undefined ? {} : { proxyUrl }),
    ...(insecure ? { insecureSkipTlsVerify: true } : {}),
  };
}

// Exec plugins are a thing of kubeconfigs: ours is made of what the Secret says.
function execToken(server: string, exec: object): (signal: AbortSignal) => Promise<string | undefined> {
  const env = fieldAt(exec, 'env');
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'target', cluster: { server } }],
    users: [
      {
        name: 'target',
        user: {
          exec: {
            command: fieldAt(exec, 'command'),
            args: fieldAt(exec, 'args') ?? [],
            env: isJsonObject(env) ? Object.entries(env).map(([name, value]) => ({ name, value: String(value) })) : [],
            apiVersion: fieldAt(exec, 'apiVersion') ?? 'client.authentication.k8s.io/v1beta1',
            installHint: fieldAt(exec, 'installHint'),
            interactiveMode: 'Never',
          },
        },
      },
    ],
    contexts: [{ name: 'target', context: { cluster: 'target', user: 'target' } }],
    'current-context': 'target',
  };
  let loaded: Promise<Connection> | undefined;
  return async (signal) => {
    loaded ??= loadKubeconfig({ from: { text: JSON.stringify(kubeconfig) } });
    const { token } = await loaded;
    return typeof token === 'function' ? token(signal) : token;
  };
}

function parseConfig(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined; // The caller says which Secret; what it says is none of a log's business.
  }
}
