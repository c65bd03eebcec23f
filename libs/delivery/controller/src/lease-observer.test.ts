import type { SyncRun } from '@tiphys/delivery-applications';
import { systemClock } from '@tiphys/kernel';
import { expect, it } from 'vitest';
import { LeaseObserver } from './lease-observer.ts';

it('lets a claim count until its run has gone unwritten for a lease, whatever the clocks on the wall say', () => {
  let monotonic = 0;
  let wall = Date.parse('2026-01-01T00:00:00Z');
  const leases = new LeaseObserver({ ...systemClock, now: () => wall, monotonic: () => monotonic });
  // Written by a controller whose clock is an hour behind.
  const run = (resourceVersion: string) => ({ metadata: { name: 'r', uid: 'u', resourceVersion }, status: { leaseUntil: '2025-12-31T23:00:00Z' } }) as SyncRun;
  expect(leases.heldFor(run('1'))).toBe(11_000);
  monotonic = 9_000;
  wall += 3_600_000;
  expect(leases.heldFor(run('1'))).toBe(2_000);
  expect(leases.heldFor(run('2'))).toBe(11_000);
  monotonic = 19_999;
  expect(leases.heldFor(run('2'))).toBe(1);
  monotonic = 20_000;
  expect(leases.heldFor(run('2'))).toBe(0);
});
