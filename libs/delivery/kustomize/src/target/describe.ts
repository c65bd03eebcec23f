import { fromJson, GoMap, GoSlice, writeYaml, type GoValue } from '@tiphys/delivery-helm';

const HIDDEN = '...';
// Fields whose values may be secret.
const SECRET_FIELDS: ReadonlySet<string> = new Set(['literals', 'valuesInline', 'valuesLocal']);

/** A configuration as Kustomize shows it in errors: YAML of what is set, without values that may be secret. */
export function describeConfig(config: Readonly<Record<string, unknown>>): string {
  return writeYaml(withoutEmpty(fromJson(config)) ?? new GoMap());
}

function withoutEmpty(value: GoValue, field = ''): GoValue | undefined {
  if (value === null || value === '' || value === false || value === 0) return undefined;
  if (SECRET_FIELDS.has(field)) return HIDDEN;
  if (typeof value === 'string') return field === 'patch' && /\b(?:data|stringData)\b/.test(value) ? HIDDEN : value;
  if (value instanceof GoSlice) return value.items.length === 0 ? undefined : new GoSlice(value.items.map((item) => withoutEmpty(item) ?? new GoMap()));
  if (!(value instanceof GoMap)) return value;
  const entries = [...value.entries].flatMap(([key, item]): [string, GoValue][] => {
    const kept = withoutEmpty(item, key);
    return kept === undefined ? [] : [[key, kept]];
  });
  return entries.length === 0 ? undefined : new GoMap(new Map(entries));
}
