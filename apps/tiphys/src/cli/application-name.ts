import type { ApiCall } from './api-client.ts';

/** Reads `name` or `namespace/name`, as the argocd command takes it. */
export function parseApplicationName(text: string): { readonly name: string; readonly appNamespace: string | undefined } {
  const slash = text.indexOf('/');
  return slash < 0 ? { name: text, appNamespace: undefined } : { name: text.slice(slash + 1), appNamespace: text.slice(0, slash) };
}

/** The path and query of a call about one application. */
export function applicationCall(text: string, suffix = '', query: NonNullable<ApiCall['query']> = {}): Pick<ApiCall, 'path' | 'query'> {
  const { name, appNamespace } = parseApplicationName(text);
  return { path: `/api/v1/applications/${encodeURIComponent(name)}${suffix}`, query: { ...query, appNamespace } };
}
