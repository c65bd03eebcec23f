import type { Hook } from './hooks.ts';

/** Whether a webhook's match conditions hold for a request, or why that cannot be told. */
export type ConditionsVerdict = { readonly kind: 'match' } | { readonly kind: 'noMatch' } | { readonly kind: 'failed'; readonly reason: string };

/** Evaluates the match conditions of a webhook (KEP-3716). Conditions are CEL, which this server does not evaluate for webhooks yet. */
export function evaluateMatchConditions({ webhook }: Hook): ConditionsVerdict {
  const [first] = webhook.matchConditions ?? [];
  return first === undefined ? { kind: 'match' } : { kind: 'failed', reason: `match condition "${first.name}" cannot be evaluated by this server` };
}
