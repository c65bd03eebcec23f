import type { Logger } from '@tiphys/kernel';
import { builtin, type corev1 } from '@tiphys/kube-model';
import type { Informer, InformerFactory, KubeClient } from '@tiphys/kube-client';
import type { PodSources } from './sources.ts';

const TOKEN_SECONDS = 24 * 3_600;

/** The ConfigMaps, Secrets and Services a node reads for its pods, followed by watches. */
export class SourceCache {
  readonly configMaps: Informer<corev1.ConfigMap>;
  readonly secrets: Informer<corev1.Secret>;
  readonly #services: Informer<corev1.Service>;
  readonly #client: KubeClient;
  readonly #logger: Logger;

  constructor(informers: InformerFactory, client: KubeClient, logger: Logger) {
    this.configMaps = informers.informer<corev1.ConfigMap>({ type: builtin('v1', 'ConfigMap') });
    this.secrets = informers.informer<corev1.Secret>({ type: builtin('v1', 'Secret') });
    this.#services = informers.informer<corev1.Service>({ type: builtin('v1', 'Service') });
    this.#client = client;
    this.#logger = logger;
  }

  async waitForSync(signal: AbortSignal): Promise<void> {
    await Promise.all([this.configMaps, this.secrets, this.#services].map((informer) => informer.waitForSync(signal)));
  }

  /** Tells which ConfigMap or Secret changed, as `ConfigMap/name` or `Secret/name`. Answers the way to unsubscribe. */
  onChange(handler: (namespace: string, name: string) => void): () => void {
    const forKind =
      (kind: string) =>
      (event: { readonly object: { readonly metadata: { readonly namespace?: string; readonly name?: string } } }): void =>
        handler(event.object.metadata.namespace ?? '', `${kind}/${event.object.metadata.name ?? ''}`);
    const stops = [this.configMaps.onEvent(forKind('ConfigMap')), this.secrets.onEvent(forKind('Secret'))];
    return () => {
      for (const stop of stops) stop();
    };
  }

  /** The sources of one pod; tokens it mounts are requested first (TokenRequest), unless the pod is not real. */
  async sourcesFor(pod: corev1.Pod, isReal: boolean, signal: AbortSignal): Promise<PodSources> {
    const { namespace = '' } = pod.metadata;
    const tokens = new Map<string, string>();
    const wanted = (pod.spec?.volumes ?? []).flatMap(({ projected }) => projected?.sources ?? []).flatMap((source) => source.serviceAccountToken ?? []);
    for (const { audience = '' } of wanted) {
      const token = isReal ? await this.#requestToken(pod, audience, signal) : 'simulated';
      if (token !== undefined) tokens.set(audience, token);
    }
    return {
      acceptsAnyVolume: !isReal,
      configMap: (name) => this.configMaps.get(name, namespace),
      secret: (name) => this.secrets.get(name, namespace),
      services: () => [
        ...this.#services.list(namespace),
        ...(namespace === 'default' ? [] : [this.#services.get('kubernetes', 'default')].filter((service) => service !== undefined)),
      ],
      token: (audience) => tokens.get(audience),
    };
  }

  async #requestToken(pod: corev1.Pod, audience: string, signal: AbortSignal): Promise<string | undefined> {
    const account = pod.spec?.serviceAccountName ?? 'default';
    const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name: pod.metadata.name, uid: pod.metadata.uid };
    const request = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { audiences: audience === '' ? [] : [audience], expirationSeconds: TOKEN_SECONDS, boundObjectRef },
    };
    try {
      const answer = await this.#client.raw({
        method: 'POST',
        path: `/api/v1/namespaces/${encodeURIComponent(pod.metadata.namespace ?? '')}/serviceaccounts/${encodeURIComponent(account)}/token`,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(request),
        signal,
      });
      const chunks: Uint8Array[] = [];
      for await (const chunk of answer.body) chunks.push(chunk);
      // The answer of the API to a TokenRequest; anything else has no token and counts as not issued.
      const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { readonly status?: { readonly token?: string } };
      return body.status?.token;
    } catch (error) {
      signal.throwIfAborted();
      this.#logger.debug({ pod: `${pod.metadata.namespace ?? ''}/${pod.metadata.name ?? ''}`, err: error }, 'service account token not issued');
      return undefined;
    }
  }
}
