import { selectorOf, type admissionregistrationv1, type metav1, type Mutable, type Selector } from '@tiphys/kube-model';
import type { Core } from '../../core.ts';
import { draftAs, type Draft } from '../../draft.ts';
import { createView } from '../view.ts';

/** One webhook of a configuration, ready to be matched and called. */
export interface Hook {
  /** Tells the webhooks of all configurations apart. */
  readonly id: string;
  readonly configuration: string;
  readonly webhook: Mutable<admissionregistrationv1.MutatingWebhook> | Mutable<admissionregistrationv1.ValidatingWebhook>;
  readonly namespaceSelector: Selector;
  readonly objectSelector: Selector;
  /** Whether it wants to see the object again after others have changed it. */
  readonly reinvokes: boolean;
}

const hooksOf = createView((configurations) => configurations.flatMap(readHooks));

/** The webhooks of one kind, in the order of their configurations' names. */
export function hooksFor(core: Core, kind: 'mutating' | 'validating'): readonly Hook[] {
  return hooksOf(core, `/admissionregistration.k8s.io/${kind}webhookconfigurations/`);
}

function readHooks(object: Draft): readonly Hook[] {
  const { metadata, webhooks = [] } = draftAs<admissionregistrationv1.MutatingWebhookConfiguration>(object);
  return webhooks.map((webhook, index) => ({
    id: `${metadata.name ?? ''}/${webhook.name}/${index}`,
    configuration: metadata.name ?? '',
    webhook,
    namespaceSelector: selectorOf((webhook.namespaceSelector ?? {}) as metav1.LabelSelector), // Read only.
    objectSelector: selectorOf((webhook.objectSelector ?? {}) as metav1.LabelSelector),
    reinvokes: webhook.reinvocationPolicy === 'IfNeeded',
  }));
}
