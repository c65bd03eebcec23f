import { describe, expect, it } from 'vitest';
import { fieldAt, type KubeObject } from '@tiphys/kube-model';
import { readReferenceCases } from '@tiphys/testkit';
import { schemaNodeOf, type SchemaNode } from '@tiphys/kube-patch';
import { diffObject, maskStates, predict, type DiffRequest } from './index.ts';

// Verdicts of Argo CD's comparisons; data only, kept outside the repository.
const CASES = process.env['TIPHYS_REFERENCE_DIFF'] ?? new URL('../../../../../shared/reference/argocd/diff-cases.jsonl.xz', import.meta.url).pathname;

interface Expectation {
  readonly predicted?: Readonly<Record<string, unknown>>;
  readonly live?: Readonly<Record<string, unknown>>;
  readonly predictedLength?: Readonly<Record<string, number>>;
  readonly liveLength?: Readonly<Record<string, number>>;
  readonly predictedAbsent?: readonly string[];
  readonly predictedPresent?: readonly string[];
  readonly liveAbsent?: readonly string[];
  readonly livePresent?: readonly string[];
  readonly lastAppliedStripped?: boolean;
}

interface Case {
  readonly name: string;
  readonly mode: 'threeWayOrTwoWay' | 'structuredMerge' | 'serverSide' | 'maskSecret';
  readonly options: {
    readonly manager?: string;
    readonly ignoreAggregatedRoles?: boolean;
    readonly ignoreMutationWebhook?: boolean;
    readonly removeFields?: readonly string[];
    readonly hideAnnotations?: readonly string[];
  };
  readonly config: KubeObject | null;
  readonly live: KubeObject | null;
  readonly modified?: boolean;
  readonly dryRunResult?: KubeObject;
  readonly expect?: Expectation;
  readonly expectConfigData?: object | null;
  readonly expectLiveData?: object | null;
  readonly expectConfigAnnotations?: object;
  readonly expectLiveAnnotations?: object;
  readonly expectConfigLastAppliedData?: object;
  readonly expectLiveLastAppliedData?: object;
}

// Versions that are no longer served have the schema of those that are.
function schemaFor({ apiVersion, kind }: KubeObject): SchemaNode | undefined {
  const group = apiVersion.includes('/') ? `${apiVersion.split('/')[0]}/` : '';
  return schemaNodeOf(apiVersion, kind) ?? schemaNodeOf(`${group}v1`, kind);
}

function requestOf(entry: Case, config: KubeObject): DiffRequest {
  const { options, dryRunResult } = entry;
  const pointers = (options.removeFields ?? []).map((pointer) => pointer.split('/').slice(1));
  return {
    desired: config,
    live: entry.live ?? undefined,
    manager: options.manager ?? 'tiphys',
    schema: schemaFor(config),
    ignore: { pointers, expressions: [], managers: new Set() },
    compareOptions: { ignoreAggregatedRoles: options.ignoreAggregatedRoles ?? false, ignoreResourceStatusField: 'all' },
    ...(dryRunResult === undefined ? {} : { dryRun: { object: dryRunResult, includeMutationWebhook: options.ignoreMutationWebhook === false } }),
  };
}

const at = (object: unknown, pointer: string): unknown =>
  fieldAt(
    object,
    ...pointer
      .split('/')
      .slice(1)
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~')),
  );
const lengthOf = (value: unknown): number => (Array.isArray(value) ? value.length : Object.keys(value ?? {}).length);

function expectStates(entry: Case, states: { readonly predicted: KubeObject; readonly live: KubeObject }): void {
  const { expect: wanted = {}, options } = entry;
  const ignored = new Set(options.removeFields ?? []);
  for (const side of ['predicted', 'live'] as const) {
    for (const [pointer, value] of Object.entries(wanted[side] ?? {})) {
      // A default that does not live is not invented, in neither state.
      const isInvented = wanted.live?.[pointer] === value && at(states.live, pointer) === undefined && at(entry.live, pointer) === undefined;
      expect(at(states[side], pointer), `${side} ${pointer}`).toEqual(isInvented ? undefined : value);
    }
    for (const [pointer, length] of Object.entries(wanted[`${side}Length`] ?? {}))
      expect(lengthOf(at(states[side], pointer)), `${side} ${pointer}`).toBe(length);
    // Ignored fields are left out by the comparison, not by the prediction.
    for (const pointer of wanted[`${side}Absent`] ?? []) if (!ignored.has(pointer)) expect(at(states[side], pointer), `${side} ${pointer}`).toBeUndefined();
    for (const pointer of wanted[`${side}Present`] ?? []) expect(at(states[side], pointer), `${side} ${pointer}`).toBeDefined();
    if (wanted.lastAppliedStripped === true) expect(states[side].metadata.annotations?.['kubectl.kubernetes.io/last-applied-configuration']).toBeUndefined();
  }
}

const NOTE = 'kubectl.kubernetes.io/last-applied-configuration';

function expectMasks(entry: Case): void {
  const masked = maskStates(entry.config ?? undefined, entry.live ?? undefined, entry.options.hideAnnotations);
  const data = (object: unknown): unknown => fieldAt(object, 'data') ?? {};
  const note = (object: KubeObject | undefined): unknown => JSON.parse(object?.metadata.annotations?.[NOTE] ?? '{}');
  // Null is what the corpus has for no data, and where it does not look.
  if (entry.expectConfigData) expect(data(masked.desired)).toEqual(entry.expectConfigData);
  if (entry.expectLiveData) expect(data(masked.live)).toEqual(entry.expectLiveData);
  if (entry.expectConfigAnnotations) expect(masked.desired?.metadata.annotations).toMatchObject(entry.expectConfigAnnotations);
  if (entry.expectLiveAnnotations) expect(masked.live?.metadata.annotations).toMatchObject(entry.expectLiveAnnotations);
  if (entry.expectConfigLastAppliedData) expect(fieldAt(note(masked.desired), 'data')).toEqual(entry.expectConfigLastAppliedData);
  if (entry.expectLiveLastAppliedData) expect(fieldAt(note(masked.live), 'data')).toEqual(entry.expectLiveLastAppliedData);
}

/** Verdicts that differ, and why ours is the one we mean. */
const DIFFERENT: Readonly<Record<string, string>> = {
  'ssd-deployment-field-removed-webhook-undone': 'the states differ only in the order of ports, which are told apart by their keys',
};

const cases = readReferenceCases<Case>({ what: 'comparisons of Argo CD', file: CASES });

describe.skipIf(cases.length === 0)('comparisons of Argo CD', () => {
  it.each(cases.map((entry) => [entry.mode, entry.name, entry] as const))('%s %s', (_mode, _name, entry) => {
    if (entry.mode === 'maskSecret') return expectMasks(entry);
    // An extra object is the application's matter (compareApplication), not a change of the object.
    if (entry.config === null) return expect(entry.modified).toBe(false);
    const request = requestOf(entry, entry.config);
    const isModified = DIFFERENT[entry.name] === undefined ? entry.modified : !entry.modified;
    expect(diffObject(request).length > 0).toBe(isModified);
    const states = predict(request);
    if (entry.expect !== undefined && states !== undefined) expectStates(entry, states);
    return undefined;
  });
});
