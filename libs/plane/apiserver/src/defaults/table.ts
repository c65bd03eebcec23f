import { formatApiVersion, formatQuantity, parseQuantity } from '@tiphys/kube-model';
import { asMap, setField, type JsonMap } from '../draft.ts';
import { DEFAULT_TABLES } from '../generated/defaults.ts';

/** The rules of one kind. */
export interface DefaultTable {
  readonly gvk: string;
  /** Prefixes under which the rules of a pod hold too. */
  readonly podTemplates?: readonly string[];
  /**
   * Path (`[]` stands for every item, `[*]` for every value of a map), value, mode: `u` unset, `z` zero or unset, `h` unset inside a
   * handler that is set, `m` a quantity finer than one thousandth, which is rounded up.
   */
  readonly rules: readonly (readonly [path: string, value: unknown, mode: string])[];
}

interface CompiledRule {
  readonly steps: readonly string[];
  readonly value: unknown;
  readonly mode: string;
}

const compiled = new Map<string, readonly CompiledRule[]>();

/** Applies the mechanical defaults of a kind, in place. */
export function applyDefaultTable(object: JsonMap, group: string, version: string, kind: string): void {
  for (const rule of rulesOf(`${formatApiVersion(group, version)}/${kind}`)) applyRule(object, rule, 0);
}

function rulesOf(gvk: string): readonly CompiledRule[] {
  const known = compiled.get(gvk);
  if (known !== undefined) return known;
  const table = DEFAULT_TABLES.find((candidate) => candidate.gvk === gvk);
  const pod = table?.podTemplates === undefined ? undefined : DEFAULT_TABLES.find((candidate) => candidate.gvk === 'v1/Pod');
  const rules = [
    ...(table?.rules ?? []),
    ...(table?.podTemplates ?? []).flatMap((prefix) =>
      (pod?.rules ?? []).filter(([path]) => path.startsWith('spec.')).map(([path, value, mode]) => [`${prefix}${path}`, value, mode] as const),
    ),
  ].map(([path, value, mode]): CompiledRule => ({ steps: path.replaceAll(/\[(\*?)\]/g, '.[$1]').split('.'), value, mode }));
  compiled.set(gvk, rules);
  return rules;
}

// These structs are never absent upstream, so their defaults make them.
const ALWAYS_THERE = new Set(['spec.strategy', 'spec.updateStrategy', 'spec.persistentVolumeClaimRetentionPolicy', 'status']);

function applyRule(at: unknown, rule: CompiledRule, index: number): void {
  const step = rule.steps[index] ?? '';
  if (step === '[]') {
    if (Array.isArray(at)) for (const item of at) applyRule(item, rule, index + 1);
    return;
  }
  const map = asMap(at);
  if (map === undefined) return;
  if (step === '[*]') {
    // Rules about every value of a map are those about quantities.
    for (const [key, value] of Object.entries(map)) if (typeof value === 'string') setField(map, key, roundedToMilli(value));
    return;
  }
  if (index === rule.steps.length - 1) {
    if (map[step] === undefined || (rule.mode === 'z' && map[step] === 0)) setField(map, step, structuredClone(rule.value));
    return;
  }
  if (map[step] === undefined && (ALWAYS_THERE.has(rule.steps.slice(0, index + 1).join('.')) || (step === 'status' && rule.steps[index - 1] === '[]')))
    setField(map, step, {});
  applyRule(map[step], rule, index + 1);
}

const MILLI = 1_000_000n;

// Kubernetes holds amounts of resources in thousandths (core/v1 defaults.go SetDefaults_ResourceList).
function roundedToMilli(text: string): string {
  if (!/[nu]$|e-/.test(text)) return text;
  const quantity = parseQuantity(text);
  if (quantity === undefined || quantity.nano % MILLI === 0n) return text;
  const rounded = quantity.nano > 0n ? (quantity.nano / MILLI + 1n) * MILLI : (quantity.nano / MILLI) * MILLI;
  return formatQuantity({ nano: rounded, format: quantity.format });
}
