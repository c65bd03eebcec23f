import type { KubeObject } from '@tiphys/kube-model';

/** Health codes, from best to worst (gitops-engine pkg/health/health.go). */
export const HEALTH_ORDER = ['Healthy', 'Suspended', 'Progressing', 'Missing', 'Degraded', 'Unknown'] as const;

/** One of the health codes. */
export type HealthCode = (typeof HEALTH_ORDER)[number];

/** The health of one object, with the reason when it is not simply well. */
export interface Health {
  readonly status: HealthCode;
  readonly message?: string;
}

/** Judges one live object of the kind it is written for; undefined where such an object has no health. */
export type Assess = (live: KubeObject) => Health | undefined;

/** Whether `a` is worse than `b`. */
export function isWorse(a: HealthCode, b: HealthCode): boolean {
  return HEALTH_ORDER.indexOf(a) > HEALTH_ORDER.indexOf(b);
}

/** Makes a Health. */
export function health(status: HealthCode, message?: string): Health {
  return message === undefined || message === '' ? { status } : { status, message };
}
