import { fieldAt } from '@tiphys/kube-model';
import { health, HEALTH_ORDER, type Health, type HealthCode } from './health.ts';

const MAX_MESSAGE = 4_000;

/**
 * The health that a user's rule gave back: an object with `status` and, if it likes, `message`. What is no health is Unknown,
 * with the reason as message.
 */
export function parseHealth(value: unknown): Health {
  const status = fieldAt(value, 'status');
  const message = fieldAt(value, 'message');
  if (!isHealthCode(status)) return health('Unknown', `the health rule gave ${describe(status)}, which is no health status`);
  return health(status, typeof message === 'string' ? message.slice(0, MAX_MESSAGE) : undefined);
}

function isHealthCode(value: unknown): value is HealthCode {
  // Includes wants a member of the tuple; whether it is one is the question.
  return (HEALTH_ORDER as readonly unknown[]).includes(value);
}

// A value of a live object does not belong into a sentence about a rule.
function describe(status: unknown): string {
  return typeof status === 'string' && /^\w{1,30}$/.test(status) ? `"${status}"` : status === undefined ? 'no status' : `a ${typeof status}`;
}
