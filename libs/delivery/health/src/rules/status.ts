import { fieldAt, isJsonObject, type JsonObject, type KubeObject } from '@tiphys/kube-model';

/** One entry of `status.conditions` (metav1.Condition and its many cousins: only `type` is sure to be there). */
export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly severity: string;
  readonly observedGeneration?: number;
}

/** The conditions at a path, `status.conditions` when none is given; what is not an object is left out. */
export function conditionsOf(from: unknown, ...path: readonly (string | number)[]): readonly Condition[] {
  const listed = path.length === 0 ? fieldAt(from, 'status', 'conditions') : fieldAt(from, ...path);
  return Array.isArray(listed) ? listed.filter(isJsonObject).map(toCondition) : [];
}

function toCondition(raw: JsonObject): Condition {
  const observed = raw['observedGeneration'];
  return {
    type: asText(raw['type']),
    // Operators have written booleans here, and capitals differ.
    status: capitalized(asText(raw['status'])),
    reason: asText(raw['reason']),
    message: asText(raw['message']),
    severity: asText(raw['severity']),
    ...(typeof observed === 'number' ? { observedGeneration: observed } : {}),
  };
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value);
}

function capitalized(text: string): string {
  return text === 'true' || text === 'false' || text === 'unknown' ? `${text.charAt(0).toUpperCase()}${text.slice(1)}` : text;
}

/** The first condition of a type. */
export function conditionOf(from: unknown, type: string): Condition | undefined {
  return conditionsOf(from).find((condition) => condition.type === type);
}

/** The text at a path; numbers and booleans as text; empty when there is none. */
export function textAt(from: unknown, ...path: readonly (string | number)[]): string {
  return asText(fieldAt(from, ...path));
}

/** The number at a path; zero when there is none. */
export function numberAt(from: unknown, ...path: readonly (string | number)[]): number {
  const value = fieldAt(from, ...path);
  return typeof value === 'number' ? value : 0;
}

/** The objects of the list at a path. */
export function listAt(from: unknown, ...path: readonly (string | number)[]): readonly JsonObject[] {
  const value = fieldAt(from, ...path);
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

/** Whether the object has a status with something in it. */
export function hasStatus(live: KubeObject): boolean {
  const status = fieldAt(live, 'status');
  return isJsonObject(status) && Object.keys(status).length > 0;
}

/** Whether the controller has said that it saw an older spec than the one that is there (metadata.generation). */
export function isStale(live: KubeObject): boolean {
  const observed = fieldAt(live, 'status', 'observedGeneration');
  return typeof observed === 'number' && observed < generationOf(live);
}

/** Whether a condition was written for an older spec. */
export function isStaleCondition(live: KubeObject, { observedGeneration }: Condition): boolean {
  return observedGeneration !== undefined && generationOf(live) > 0 && observedGeneration !== generationOf(live);
}

/** `KafkaMirrorMaker` → `Kafka Mirror Maker`. */
export function spaced(kind: string): string {
  return kind.replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2');
}

function generationOf(live: KubeObject): number {
  return numberAt(live, 'metadata', 'generation');
}
