import { parseApplication, sourcesOf, type Application, type ApplicationSource } from '@tiphys/delivery-applications';
import type { KubeObject } from '@tiphys/kube-model';

/** The sources of an application as stored; none where it is invalid or gone. */
export function sourcesIn(object: KubeObject | undefined): readonly ApplicationSource[] {
  if (object === undefined) return [];
  const parsed = parseApplication(object);
  return parsed.kind === 'invalid' ? [] : sourcesOf(parsed.value.spec);
}

/** Whether an update says something: our own status writes do not, everything a person or an operation changes does. */
export function isNews(old: KubeObject, now: KubeObject): boolean {
  const { spec: specBefore, operation: operationBefore } = old as Application;
  const { spec, operation } = now as Application;
  return (
    JSON.stringify([specBefore, operationBefore, old.metadata.annotations, old.metadata.deletionTimestamp]) !==
    JSON.stringify([spec, operation, now.metadata.annotations, now.metadata.deletionTimestamp])
  );
}
