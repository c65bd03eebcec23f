export { aggregateHealth, assess, assessByRule, completionOf, type HealthEvidence } from './assess.ts';
export { parseHealth } from './scripted.ts';
export { HEALTH_ORDER, isWorse, type Health, type HealthCode } from './health.ts';
