import type { corev1 } from '@tiphys/kube-model';
import { describe, expect, it } from 'vitest';
import { taintsOf } from './node-taints.ts';

const node = (conditions: Readonly<Record<string, string>>, spec: corev1.NodeSpec = {}): corev1.Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'n' },
  spec,
  status: { conditions: Object.entries(conditions).map(([type, status]) => ({ type, status })) },
});
const taint = (key: string, effect = 'NoSchedule'): corev1.Taint => ({ key: `node.kubernetes.io/${key}`, effect });

describe('taints of nodes', () => {
  it('come and go with their conditions', () => {
    expect(taintsOf(node({ Ready: 'True' }))).toEqual([]);
    expect(taintsOf(node({ Ready: 'False', MemoryPressure: 'True' }))).toEqual([taint('not-ready'), taint('memory-pressure')]);
    expect(taintsOf(node({ Ready: 'Unknown' }, { unschedulable: true }))).toEqual([taint('unreachable'), taint('unschedulable')]);
    expect(taintsOf(node({}))).toEqual([taint('not-ready')]);
    expect(taintsOf(node({ Ready: 'True' }, { taints: [taint('not-ready')] }))).toEqual([]);
  });

  it('leave those of others alone', () => {
    const own = { key: 'gpu', effect: 'NoSchedule' };
    const taints = [own, taint('not-ready', 'NoExecute'), taint('disk-pressure')];
    expect(taintsOf(node({ Ready: 'True', DiskPressure: 'True' }, { taints }))).toEqual(taints);
    expect(taintsOf(node({ Ready: 'True' }, { taints }))).toEqual([own, taint('not-ready', 'NoExecute')]);
  });
});
