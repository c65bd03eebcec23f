import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '@tiphys/kube-model';
import { HEALTH_ORDER } from '../health.ts';
import { ruledKinds, ruleFor } from './registry.ts';

// Statuses as controllers write them, and as nobody should.
const word = fc.constantFrom('Ready', 'True', 'False', 'Unknown', 'Running', 'Failed', '', 'x');
const condition = fc.record(
  { type: word, status: fc.oneof(word, fc.boolean()), reason: word, message: word, observedGeneration: fc.integer() },
  { requiredKeys: [] },
);
const field = fc.constantFrom(
  'conditions',
  'phase',
  'state',
  'status',
  'observedGeneration',
  'health',
  'replicas',
  'parents',
  'listeners',
  'statuses',
  'ceph',
  'racks',
);
const value = fc.oneof(
  word,
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.array(fc.oneof(condition, word, fc.constant(null)), { maxLength: 4 }),
  fc.dictionary(field, fc.oneof(word, condition), { maxKeys: 3 }),
);
const part = fc.oneof(fc.dictionary(field, value, { maxKeys: 5 }), word, fc.constant(null), fc.array(value, { maxLength: 2 }));

// The API server holds its own types to their shape; what a CRD's schema lets through is anybody's guess.
const SERVER_OWN = /^(?:apps|batch|policy|networking\.k8s\.io|extensions|autoscaling|apiregistration\.k8s\.io|apiextensions\.k8s\.io|)\//;

describe('the rules of custom kinds', () => {
  it('judge any object without failing, and give a known status (law)', () => {
    const kinds = ruledKinds().filter((key) => !SERVER_OWN.test(key));
    expect(kinds.length).toBeGreaterThan(300);
    fc.assert(
      fc.property(part, part, (spec, status) => {
        for (const key of kinds) {
          const [group = '', kind = ''] = key.replace('*.', 'x.').split('/');
          const object = {
            apiVersion: group === '' ? 'v1' : `${group}/v1`,
            kind: kind === '*' ? 'Any' : kind,
            metadata: { name: 'n', generation: 2 },
            spec,
            status,
          } as unknown as KubeObject;
          const health = ruleFor(object)?.(object);
          // Asking expect a hundred thousand times takes seconds.
          if (health !== undefined && !HEALTH_ORDER.includes(health.status)) expect(HEALTH_ORDER).toContain(health.status);
        }
      }),
      { numRuns: 100 },
    );
  });
});
