import { expect, it } from 'vitest';
import { isDeletionApproved } from './deletion-approval.ts';

it.each([
  ['2026-01-01T00:00:10Z', true],
  ['2026-01-01T02:00:11+02:00', true],
  ['2026-01-01T00:00:09Z', false],
  ['yes', false],
  [undefined, false],
])('an approval of %s for a deletion asked for at 00:00:10 counts: %s', (approved, counts) => {
  const annotations = approved === undefined ? {} : { 'argocd.argoproj.io/deletion-approved': approved };
  const application = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', metadata: { name: 'a', annotations } };
  expect(isDeletionApproved(application, '2026-01-01T00:00:10Z')).toBe(counts);
});
