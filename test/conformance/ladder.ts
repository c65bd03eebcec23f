import { join } from 'node:path';
import { readReferenceCases } from '@tiphys/testkit';
import { afterAll, it } from 'vitest';

/** A spec of the conformance suite of Kubernetes v1.33. */
export interface Spec {
  readonly codename: string;
  readonly tier: string;
}

/** Every spec there is; none, with a printed reason, where the reference is absent. */
export function readSpecs(): readonly Spec[] {
  return readReferenceCases<Spec>({
    what: 'the names of the conformance specs',
    file: join(import.meta.dirname, '../../../shared/reference/kubernetes/conformance-v1.33.jsonl.xz'),
  });
}

/** Registers specs under their official names and says at the end how many of them passed. */
export function ladder(tier: string): (name: string, body: () => Promise<void>) => void {
  const failed = new Set<string>();
  let total = 0;
  afterAll(() => {
    process.stdout.write(`conformance ${tier}: ${total - failed.size} of ${total} passed${[...failed].map((name) => `\n  failed: ${name}`).join('')}\n`);
  });
  return (name, body) => {
    total += 1;
    it(`${name} [Conformance]`, { timeout: 60_000 }, async () => {
      failed.add(name);
      await body();
      failed.delete(name);
    });
  };
}
