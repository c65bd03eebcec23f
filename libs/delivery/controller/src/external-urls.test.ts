import type { KubeObject } from '@tiphys/kube-model';
import { expect, it } from 'vitest';
import { externalUrls } from './external-urls.ts';

function ingress(spec: object, annotations: Record<string, string> = {}, status: object = {}): KubeObject {
  return { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'i', annotations }, spec, status } as KubeObject;
}
const rule = (host: string | undefined, ...paths: readonly string[]) => ({
  ...(host === undefined ? {} : { host }),
  http: { paths: paths.map((path) => ({ path })) },
});

it.each<[string, KubeObject, readonly string[]]>([
  ['a host', ingress({ rules: [rule('a.org', '/')] }), ['http://a.org']],
  ['paths and TLS', ingress({ rules: [rule('a.org', '/x', '/y*')], tls: [{ hosts: ['a.org'] }] }), ['https://a.org/x', 'https://a.org/y']],
  ['TLS for all', ingress({ rules: [rule('a.org')], tls: [{ secretName: 's' }] }), ['https://a.org']],
  ['an address', ingress({ rules: [rule(undefined, '/')] }, {}, { loadBalancer: { ingress: [{ ip: '10.0.0.1' }] } }), ['http://10.0.0.1']],
  [
    'links',
    ingress({ rules: [rule('a.org')] }, { 'argocd.argoproj.io/ignore-default-links': 'true', 'link.argocd.argoproj.io/docs': 'Docs|https://d.org/x' }),
    ['Docs|https://d.org/x'],
  ],
  ['a link that runs script', ingress({}, { 'link.argocd.argoproj.io/x': 'javascript:alert(1)', 'link.argocd.argoproj.io/y': 'Y|data:text/html,x' }), []],
  ['nothing', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' } }, []],
])('%s', (_what, object, urls) => expect(externalUrls([object])).toEqual(urls));
