import { describe, expect, it } from 'vitest';
import type { KubeObject } from '@tiphys/kube-model';
import { readReferenceCases } from '@tiphys/testkit';
import { assessByRule } from './index.ts';

// Verdicts of Argo CD's rules for kinds of other projects; data only, kept outside the repository.
const CASES = process.env['TIPHYS_REFERENCE_HEALTH_RULES'] ?? new URL('../../../../../shared/reference/argocd/health-cases.jsonl.xz', import.meta.url).pathname;

interface Case {
  readonly rule: string;
  readonly case: string;
  readonly object: KubeObject;
  readonly status: string;
  readonly message: string | null;
}

const cases = readReferenceCases<Case>({ what: 'health rules of other projects', file: CASES });

/** Messages that we say in words of our own: the address of another project's issue tracker, or prose about its finalizers. */
const OWN_WORDS = 8;

describe.skipIf(cases.length === 0)('rules for kinds of other projects', () => {
  it('judge as the corpus does', () => {
    const verdicts = cases.map((entry) => ({ entry, got: assessByRule({ ...entry.object, metadata: entry.object.metadata ?? {} }) }));
    const wrong = verdicts.filter(({ entry, got }) => got?.status !== entry.status);
    const differently = verdicts.filter(({ entry, got }) => got?.status === entry.status && (got.message ?? '') !== (entry.message ?? ''));
    for (const { entry, got } of wrong) process.stdout.write(`status  ${entry.rule} ${entry.case}: ${got?.status} instead of ${entry.status}\n`);
    for (const { entry, got } of differently) process.stdout.write(`message ${entry.rule} ${entry.case}: ${got?.message} instead of ${entry.message}\n`);
    process.stdout.write(`health: ${cases.length - wrong.length}/${cases.length} statuses, ${cases.length - wrong.length - differently.length} messages\n`);
    expect(wrong.map(({ entry }) => `${entry.rule} ${entry.case}`)).toEqual([]);
    expect(differently.length).toBeLessThanOrEqual(OWN_WORDS);
  });
});
