import { fieldAt, formatSelector, selectorOf, selectorOfMap, statusError, type Labels, type metav1 } from '@tiphys/kube-model';
import type { Core, Scope, WriteFlags } from '../core.ts';
import { admissionRequest, admitMutating } from '../admission/chain.ts';
import { asMap, setField, type Draft, type JsonMap } from '../draft.ts';
import { badRequest, invalid, problem } from '../failures.ts';
import { mustGetEntry, readable, readAs } from '../registry/objects.ts';
import { changeObject } from '../verbs/update.ts';

/** The Scale of an object. */
export async function getScale(core: Core, scope: Scope): Promise<Draft> {
  const { value } = mustGetEntry(core, scope);
  await readable(core, scope.served, [value]);
  const object = readAs(scope.served, value);
  const path = scope.served.custom?.scale?.specReplicasPath;
  if (path !== undefined && fieldAt(object, ...pathsOf(scope).spec) === undefined)
    throw statusError('InternalError', `Internal error occurred: the spec replicas field ${JSON.stringify(path)} does not exist`);
  return scaleOf(scope, object);
}

function scaleOf(scope: Scope, object: Draft): Draft {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const paths = pathsOf(scope);
  const selector = selectorTextOf(scope, object);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: Object.fromEntries(Object.entries({ name, namespace, uid, resourceVersion, creationTimestamp }).filter(([, value]) => value !== undefined)),
    spec: { replicas: Number(fieldAt(object, ...paths.spec) ?? 0) },
    status: { replicas: Number(fieldAt(object, ...paths.status) ?? 0), ...(selector === '' ? {} : { selector }) },
  };
}

function pathsOf(scope: Scope): { readonly spec: readonly string[]; readonly status: readonly string[]; readonly selector: readonly string[] | undefined } {
  const scale = scope.served.custom?.scale;
  const split = (path: string): readonly string[] => path.split('.').filter((part) => part !== '');
  if (scale === undefined) return { spec: ['spec', 'replicas'], status: ['status', 'replicas'], selector: ['spec', 'selector'] };
  return {
    spec: split(scale.specReplicasPath),
    status: split(scale.statusReplicasPath),
    selector: scale.labelSelectorPath === undefined ? undefined : split(scale.labelSelectorPath),
  };
}

function selectorTextOf(scope: Scope, object: Draft): string {
  const { selector } = pathsOf(scope);
  const value = selector === undefined ? undefined : fieldAt(object, ...selector);
  if (typeof value === 'string') return value;
  if (asMap(value) === undefined) return '';
  // A LabelSelector by schema, except where the kind has a plain map.
  return formatSelector(scope.served.kind === 'ReplicationController' ? selectorOfMap(value as Labels) : selectorOf(value as metav1.LabelSelector));
}

/** Sets the replicas of an object by its Scale; `change` turns the live Scale into the wanted one. */
export async function writeScale(core: Core, scope: Scope, change: (live: Draft) => Draft, flags: WriteFlags): Promise<Draft> {
  const written = await changeObject(
    core,
    scope,
    async (live) => {
      const before = scaleOf(scope, live);
      const wanted = change(structuredClone(before));
      await admitMutating(core, admissionRequest('UPDATE', scope, flags, { object: wanted, oldObject: before }));
      const replicas = fieldAt(wanted, 'spec', 'replicas') ?? 0;
      if (typeof replicas !== 'number' || !Number.isInteger(replicas))
        throw badRequest(
          'Scale in version "v1" cannot be handled as a Scale: json: cannot unmarshal into Go struct field ScaleSpec.spec.replicas of type int32',
        );
      if (replicas < 0) throw invalid('autoscaling', 'Scale', scope.name, [problem.invalid('spec.replicas', replicas, 'must be greater than or equal to 0')]);
      setAt(live as unknown as JsonMap, pathsOf(scope).spec, replicas); // A Draft is a JSON object.
      const { resourceVersion } = wanted.metadata;
      if (resourceVersion !== undefined) live.metadata.resourceVersion = resourceVersion;
      return live;
    },
    flags,
    { viewedAs: (object) => scaleOf(scope, object) },
  );
  return scaleOf(scope, written);
}

function setAt(root: JsonMap, path: readonly string[], value: unknown): void {
  const last = path.at(-1) ?? '';
  let at = root;
  for (const step of path.slice(0, -1)) {
    const next = asMap(at[step]) ?? {};
    setField(at, step, next);
    at = next;
  }
  setField(at, last, value);
}
