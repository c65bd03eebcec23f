import type { Snapshot } from '@tiphys/delivery-git';
import type { corev1, JsonObject, metav1 } from '@tiphys/kube-model';
import type { ApplicationSet, Generator, Parameters } from '../application-set.ts';
import type { RenderText } from '../render-text.ts';

/** A cluster Applications can go to, as its Secret describes it. */
export interface KnownCluster {
  readonly name: string;
  readonly server: string;
  readonly project?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** The cluster Tiphys lives in, without a Secret of its own. */
  readonly isImplicit?: boolean;
}

/** One call to a forge or a service. */
export interface HttpCall {
  readonly url: string;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly insecure?: boolean;
  readonly caCertificates?: string | undefined;
}

/** What came back, as JSON. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: unknown;
}

/** What generators ask of the world. */
export interface GeneratorWorld {
  clusters(): readonly KnownCluster[];
  /** The files of a repository at a revision; the set is looked at again when the revision moves. Throws SourceError. */
  snapshot(repoURL: string, revision: string, signal: AbortSignal): Promise<Snapshot>;
  /** A Secret or ConfigMap in the namespace of the set. */
  secret(name: string): corev1.Secret | undefined;
  configMap(name: string): corev1.ConfigMap | undefined;
  /** Objects of a kind in the namespace of the set. */
  objects(
    query: {
      readonly apiVersion: string;
      readonly kind: string;
      readonly name?: string | undefined;
      readonly labelSelector?: metav1.LabelSelector | undefined;
    },
    signal: AbortSignal,
  ): Promise<readonly JsonObject[]>;
  /** Calls a forge or a service the operator allows. Throws GenerateError. */
  http(call: HttpCall, signal: AbortSignal): Promise<HttpAnswer>;
}

/** What a generator works with. */
export interface GeneratorContext {
  readonly set: ApplicationSet;
  readonly world: GeneratorWorld;
  readonly render: RenderText;
  readonly signal: AbortSignal;
  /** Parameters of the generator this one is paired with. */
  readonly outer: Parameters;
  /** Runs another generator of the same set. */
  readonly generate: (generator: Generator, outer: Parameters) => Promise<readonly Parameters[]>;
}

/** Whether parameters are Go values rather than texts by name. */
export function isGo({ set }: GeneratorContext): boolean {
  return set.spec.goTemplate === true;
}

// Sets that ask for more are mistakes, or attacks.
export const MAX_PARAMETERS = 10_000;
