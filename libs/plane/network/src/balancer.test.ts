import { describe, expect, it } from 'vitest';
import { backendKey, backendsOf, Balancer } from './balancer.ts';

const [a, b, c] = ['127.64.0.2', '127.64.0.3', '127.64.0.4'].map((address) => ({ address, port: 80 })) as [never, never, never];

describe('balancer', () => {
  it('spreads connections evenly and prefers the least loaded', () => {
    const balancer = new Balancer();
    balancer.update([a, b, c], 0);
    const counts = new Map<string, number>();
    for (let turn = 0; turn < 30; turn += 1) {
      const [first] = balancer.order('x', 0);
      if (first === undefined) throw new Error('there are backends');
      counts.set(backendKey(first), (counts.get(backendKey(first)) ?? 0) + 1);
      balancer.opened(first, 'x', 0);
    }
    expect([...counts.values()]).toEqual([10, 10, 10]);
  });

  it('keeps a client where it was, for as long as asked', () => {
    const balancer = new Balancer();
    balancer.update([a, b, c], 1_000);
    balancer.opened(b, 'me', 0)();
    for (let turn = 0; turn < 5; turn += 1) expect(balancer.order('me', 900)[0]).toBe(b);
    expect(new Set(Array.from({ length: 3 }, () => balancer.order('me', 1_500)[0])).size).toBe(3);
  });

  it('takes ready endpoints, or those that serve while ending when there is none', () => {
    const slice = (ready: boolean) => ({
      apiVersion: 'discovery.k8s.io/v1' as const,
      kind: 'EndpointSlice' as const,
      metadata: {},
      ports: [{ name: 'web', port: 8080, protocol: 'TCP' }],
      endpoints: [
        { addresses: ['1.1.1.1'], conditions: { ready, serving: ready, terminating: false } },
        { addresses: ['2.2.2.2'], conditions: { ready: false, serving: true, terminating: true } },
      ],
    });
    const port = { name: 'web', port: 80 };
    expect(backendsOf(port, [slice(true)])).toEqual([{ address: '1.1.1.1', port: 8080 }]);
    expect(backendsOf(port, [slice(false)])).toEqual([{ address: '2.2.2.2', port: 8080 }]);
    expect(backendsOf({ name: 'other', port: 81 }, [slice(true)])).toEqual([]);
  });
});
