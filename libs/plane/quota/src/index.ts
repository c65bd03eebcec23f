export { addAmounts, formatAmounts, maskAmounts, parseAmounts, subtractAmounts, type Amounts, type ResourceList } from './amounts.ts';
export { podLimits, podRequests } from './pod-resources.ts';
export { matchesScopes } from './scopes.ts';
export { isUsedByPods, missingResources, quotaUsage } from './usage.ts';
