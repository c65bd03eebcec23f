import type { rbacv1 } from '@tiphys/kube-model';

type Rule = rbacv1.PolicyRule;

/** The rules that none of the held ones cover, each with one verb and one target (component-helpers auth/rbac/validation). */
export function missingRules(held: readonly Rule[], wanted: readonly Rule[]): readonly Rule[] {
  return wanted.flatMap(breakDown).filter((part) => !held.some((rule) => covers(rule, part)));
}

function breakDown(rule: Rule): readonly Rule[] {
  const names = rule.resourceNames ?? [];
  const paths = (rule.nonResourceURLs ?? []).flatMap((path) => rule.verbs.map((verb): Rule => ({ verbs: [verb], nonResourceURLs: [path] })));
  const resources = (rule.apiGroups ?? []).flatMap((group) =>
    (rule.resources ?? []).flatMap((resource) =>
      rule.verbs.flatMap((verb): Rule[] => {
        const part = { verbs: [verb], apiGroups: [group], resources: [resource] };
        return names.length === 0 ? [part] : names.map((name) => ({ ...part, resourceNames: [name] }));
      }),
    ),
  );
  return [...paths, ...resources];
}

function covers(rule: Rule, part: Rule): boolean {
  const all = (held: readonly string[] | undefined, wanted: readonly string[] | undefined): boolean =>
    (held ?? []).includes('*') || (wanted ?? []).every((item) => (held ?? []).includes(item));
  if (!all(rule.verbs, part.verbs)) return false;
  if (part.nonResourceURLs !== undefined) return part.nonResourceURLs.every((path) => (rule.nonResourceURLs ?? []).some((held) => coversPath(held, path)));
  if ((rule.resources ?? []).length === 0 || !all(rule.apiGroups, part.apiGroups)) return false;
  if (!(part.resources ?? []).every((resource) => coversResource(rule.resources ?? [], resource))) return false;
  const names = rule.resourceNames ?? [];
  return names.length === 0 || ((part.resourceNames ?? []).length > 0 && (part.resourceNames ?? []).every((name) => names.includes(name)));
}

function coversResource(held: readonly string[], resource: string): boolean {
  const slash = resource.indexOf('/');
  return held.includes('*') || held.includes(resource) || (slash >= 0 && held.includes(`*${resource.slice(slash)}`));
}

function coversPath(held: string, path: string): boolean {
  return held === path || (held.endsWith('*') && path.replace(/\*+$/, '').startsWith(held.slice(0, -1)));
}

/** A rule as upstream writes it in a refusal. */
export function formatRule(rule: Rule): string {
  const list = (items: readonly string[]): string => `[${items.map((item) => JSON.stringify(item)).join(' ')}]`;
  const parts = [
    ['APIGroups', rule.apiGroups],
    ['Resources', rule.resources],
    ['ResourceNames', rule.resourceNames],
    ['NonResourceURLs', rule.nonResourceURLs],
    ['Verbs', rule.verbs],
  ] as const;
  return `{${parts.flatMap(([name, items]) => (items === undefined || items.length === 0 ? [] : [`${name}:${list(items)}`])).join(', ')}}`;
}

/** Rules that differ in one list only, joined into one: how refusals stay short. */
export function compactRules(rules: readonly Rule[]): readonly Rule[] {
  const joined = new Map<string, { rule: Rule; verbs: string[] }>();
  for (const rule of rules) {
    const key = JSON.stringify({ ...rule, verbs: [] });
    const known = joined.get(key) ?? { rule, verbs: [] };
    known.verbs.push(...rule.verbs);
    joined.set(key, known);
  }
  return [...joined.values()].map(({ rule, verbs }) => ({ ...rule, verbs: [...new Set(verbs)] }));
}
