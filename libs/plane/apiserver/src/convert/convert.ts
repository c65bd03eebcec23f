import { asList, asMap, asText, type Draft, type JsonMap } from '../draft.ts';

/** The object in another version of its kind; changes and returns the draft it is given. Versions of equal shape only get the new apiVersion. */
export function convertDraft(draft: Draft, apiVersion: string): Draft {
  if (draft.apiVersion === apiVersion) return draft;
  // A Draft is a JSON object.
  const map = draft as unknown as JsonMap;
  if (draft.kind === 'Event') (apiVersion === 'v1' ? eventToCore : eventFromCore)(map);
  else if (draft.kind === 'HorizontalPodAutoscaler') (apiVersion === 'autoscaling/v1' ? autoscalerToV1 : autoscalerToV2)(map);
  draft.apiVersion = apiVersion;
  return draft;
}

// events.k8s.io/v1 name → core/v1 name (k8s.io/api/events/v1 types.go).
const EVENT_FIELDS: readonly (readonly [events: string, core: string])[] = [
  ['regarding', 'involvedObject'],
  ['note', 'message'],
  ['reportingController', 'reportingComponent'],
  ['deprecatedSource', 'source'],
  ['deprecatedFirstTimestamp', 'firstTimestamp'],
  ['deprecatedLastTimestamp', 'lastTimestamp'],
  ['deprecatedCount', 'count'],
];

function eventToCore(event: JsonMap): void {
  for (const [from, to] of EVENT_FIELDS) rename(event, from, to);
}

function eventFromCore(event: JsonMap): void {
  for (const [to, from] of EVENT_FIELDS) rename(event, from, to);
}

function rename(map: JsonMap, from: string, to: string): void {
  if (map[from] === undefined) return;
  map[to] = map[from];
  delete map[from];
}

function autoscalerToV2(autoscaler: JsonMap): void {
  const spec = asMap(autoscaler['spec']);
  if (spec === undefined) return;
  const target = spec['targetCPUUtilizationPercentage'];
  delete spec['targetCPUUtilizationPercentage'];
  if (typeof target === 'number')
    spec['metrics'] = [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: target } } }];
  const status = asMap(autoscaler['status']);
  const current = status?.['currentCPUUtilizationPercentage'];
  if (status === undefined) return;
  delete status['currentCPUUtilizationPercentage'];
  if (typeof current === 'number') status['currentMetrics'] = [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: current } } }];
}

function autoscalerToV1(autoscaler: JsonMap): void {
  const spec = asMap(autoscaler['spec']);
  const cpu = asList(spec?.['metrics'])
    .map(asMap)
    .find((metric) => asText(asMap(metric?.['resource'])?.['name']) === 'cpu');
  const target = asMap(asMap(cpu?.['resource'])?.['target'])?.['averageUtilization'];
  if (spec !== undefined) {
    if (typeof target === 'number') spec['targetCPUUtilizationPercentage'] = target;
    delete spec['metrics'];
    delete spec['behavior'];
  }
  const status = asMap(autoscaler['status']);
  if (status === undefined) return;
  const current = asList(status['currentMetrics'])
    .map(asMap)
    .find((metric) => asText(asMap(metric?.['resource'])?.['name']) === 'cpu');
  const utilization = asMap(asMap(current?.['resource'])?.['current'])?.['averageUtilization'];
  if (typeof utilization === 'number') status['currentCPUUtilizationPercentage'] = utilization;
  delete status['currentMetrics'];
  delete status['conditions'];
}
