import { describe, expect, it } from 'vitest';
import type { KubeObject } from '@tiphys/kube-model';
import { readReferenceCases } from '@tiphys/testkit';
import { aggregateHealth, assess } from './assess.ts';

// Verdicts of Argo CD's built-in rules; data only, kept outside the repository.
const CASES =
  process.env['TIPHYS_REFERENCE_HEALTH'] ?? new URL('../../../../../shared/reference/argocd/health-builtin-cases.jsonl.xz', import.meta.url).pathname;

interface Case {
  readonly kind: string;
  readonly case: string;
  readonly object: KubeObject;
  readonly status: string | null;
  readonly message?: string;
}

const cases = readReferenceCases<Case>({ what: 'upstream health cases', file: CASES });

describe.skipIf(cases.length === 0)('upstream verdicts', () => {
  it.each(cases.map((entry) => [entry.kind, entry.case, entry] as const))('%s %s', (_kind, _name, entry) => {
    const health = assess({ ...entry.object, metadata: entry.object.metadata ?? {} });
    expect(health?.status ?? null).toBe(entry.status);
    if (entry.message !== undefined) expect(health?.message).toBe(entry.message);
  });
});

function deployment(status: object, spec: object = {}): KubeObject {
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', generation: 2 }, spec: { replicas: 2, ...spec }, status } as KubeObject;
}

describe('assess', () => {
  it.each([
    ['Progressing', { observedGeneration: 1, replicas: 2, updatedReplicas: 2, availableReplicas: 2 }],
    ['Progressing', { observedGeneration: 2, replicas: 2, updatedReplicas: 1, availableReplicas: 2 }],
    ['Progressing', { observedGeneration: 2, replicas: 3, updatedReplicas: 2, availableReplicas: 2 }],
    ['Progressing', { observedGeneration: 2, replicas: 2, updatedReplicas: 2, availableReplicas: 1 }],
    ['Healthy', { observedGeneration: 2, replicas: 2, updatedReplicas: 2, availableReplicas: 2 }],
    ['Degraded', { observedGeneration: 2, conditions: [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }] }],
  ])('a Deployment is %s with %j', (status, live) => expect(assess(deployment(live))?.status).toBe(status));

  it('does not take a resumed Job for a complete one', () => {
    const job = {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'j' },
      status: { conditions: [{ type: 'Suspended', status: 'False' }] },
    } as KubeObject;
    expect(assess(job)?.status).toBe('Progressing');
  });

  it('knows a CustomResourceDefinition is usable only when established', () => {
    const crd = (status: string): KubeObject =>
      ({
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: 'x' },
        status: { conditions: [{ type: 'Established', status, reason: status === 'False' ? 'Installing' : 'InitialNamesAccepted' }] },
      }) as KubeObject;
    expect(assess(crd('False'))?.status).toBe('Progressing');
    expect(assess(crd('True'))?.status).toBe('Healthy');
  });
});

describe('an object that is being deleted', () => {
  const deleted = (apiVersion: string, kind: string, status: object): KubeObject =>
    ({ apiVersion, kind, metadata: { name: 'x', deletionTimestamp: '2026-01-01T00:00:00Z' }, status }) as KubeObject;
  it('is Progressing whatever its rule says', () => {
    expect(assess(deleted('kafka.strimzi.io/v1beta2', 'KafkaTopic', { conditions: [{ type: 'NotReady', status: 'True' }] }))).toEqual({
      status: 'Progressing',
      message: 'Pending deletion',
    });
  });
  it('says so in the words of its kind', () => {
    expect(assess(deleted('services.cloud.sap.com/v1', 'ServiceInstance', {}))?.message).toBe('Resource is being deleted');
  });
});

describe('kinds', () => {
  const at = (apiVersion: string, kind: string, status: object = {}): KubeObject => ({ apiVersion, kind, metadata: { name: 'x' }, status }) as KubeObject;
  it('without a rule have no health', () => {
    expect(assess(at('v1', 'ConfigMap'))).toBeUndefined();
    expect(assess(at('infrastructure.cluster.x-k8s.io/v1beta2', 'AWSMachineTemplate'))).toBeUndefined();
    expect(assess(at('crossplane.io.example.org/v1', 'Thing'))).toBeUndefined();
  });
  it('of a family of groups share a rule', () => {
    const ready = { conditions: [{ type: 'Ready', status: 'True' }] };
    expect(assess(at('ec2.aws.upbound.io/v1beta1', 'VPC', ready))?.status).toBe('Healthy');
    expect(assess(at('s3.services.k8s.aws/v1alpha1', 'Bucket', ready))?.status).toBe('Healthy');
  });
  it('survive a status of another shape', () => {
    for (const status of [{ conditions: 'no' }, { conditions: [null, 7, 'x'] }, { conditions: { Ready: true } }, { phase: { a: 1 } }])
      for (const [apiVersion, kind] of [
        ['cert-manager.io/v1', 'Certificate'],
        ['gateway.networking.k8s.io/v1', 'HTTPRoute'],
        ['argoproj.io/v1alpha1', 'Rollout'],
      ] as const)
        expect(() => assess(at(apiVersion, kind, status))).not.toThrow();
  });
});

describe('aggregateHealth', () => {
  const live = deployment({});
  it('is the worst of those that have a health', () => {
    expect(
      aggregateHealth([
        { live, health: { status: 'Healthy' } },
        { live, health: { status: 'Degraded' } },
        { live, health: undefined },
      ]),
    ).toEqual({ status: 'Degraded' });
  });
  it('is Missing only when nothing is there', () => {
    expect(aggregateHealth([{ live: undefined, health: undefined }])).toEqual({ status: 'Missing' });
    expect(
      aggregateHealth([
        { live: undefined, health: undefined },
        { live, health: { status: 'Healthy' } },
      ]),
    ).toEqual({ status: 'Healthy' });
    expect(aggregateHealth([])).toEqual({ status: 'Healthy' });
  });
});
