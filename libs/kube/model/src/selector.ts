import type { metav1 } from './generated/types/index.ts';

/** One condition of a label selector. */
export interface Requirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Equals' | 'NotEquals';
  readonly values: readonly string[];
}

/** The set of labels an object carries. */
export type Labels = Readonly<Record<string, string>>;

/** A conjunction of requirements; the empty one selects everything. */
export type Selector = readonly Requirement[];

/** The problem of a selector's text, with the position it stands at. */
export interface SelectorProblem {
  readonly message: string;
}

const TOKEN = /\s*(?:(!=|==|=|!|\(|\)|,)|([A-Za-z0-9]([-A-Za-z0-9_./]*[A-Za-z0-9])?)|$)/y;

/** Reads `a=b,c!=d,e in (f,g),h,!i` (apimachinery labels.Parse). */
export function parseLabelSelector(text: string): Selector | SelectorProblem {
  const tokens = tokenize(text);
  if (!Array.isArray(tokens)) return tokens as SelectorProblem;
  const list = tokens as readonly string[];
  const requirements: Requirement[] = [];
  let at = 0;
  const problem = (): SelectorProblem => ({ message: `unable to parse requirement: found '${list[at] ?? ''}' in selector '${text}'` });
  const values = (): readonly string[] | undefined => {
    if (list[at] !== '(') return undefined;
    at += 1;
    const found: string[] = [];
    for (;;) {
      const token = list[at];
      if (token === undefined) return undefined;
      if (token === ')') break;
      if (token === ',') {
        if (list[at - 1] === ',' || list[at - 1] === '(') found.push('');
        at += 1;
        continue;
      }
      found.push(token);
      at += 1;
    }
    at += 1;
    return found;
  };
  while (at < list.length) {
    let key = list[at] ?? '';
    const negated = key === '!';
    if (negated) {
      at += 1;
      key = list[at] ?? '';
    }
    if (key === '' || /^[=!(),]/.test(key)) return problem();
    at += 1;
    const operator = list[at];
    if (negated || operator === undefined || operator === ',') {
      requirements.push({ key, operator: negated ? 'DoesNotExist' : 'Exists', values: [] });
    } else if (operator === '=' || operator === '==' || operator === '!=') {
      at += 1;
      const value = list[at] === undefined || list[at] === ',' ? '' : (list[at] ?? '');
      if (/^[=!()]/.test(value)) return problem();
      if (value !== '') at += 1;
      requirements.push({ key, operator: operator === '!=' ? 'NotEquals' : 'Equals', values: [value] });
    } else if (operator === 'in' || operator === 'notin') {
      at += 1;
      const found = values();
      if (found === undefined) return problem();
      requirements.push({ key, operator: operator === 'in' ? 'In' : 'NotIn', values: found });
    } else return problem();
    if (at < list.length) {
      if (list[at] !== ',' || at + 1 === list.length) return problem();
      at += 1;
    }
  }
  return requirements;
}

function tokenize(text: string): readonly string[] | SelectorProblem {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const start = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) return { message: `unable to parse selector '${text}': unexpected character at ${start}` };
    const token = match[1] ?? match[2];
    if (token === undefined) break;
    tokens.push(token);
  }
  return tokens;
}

/** Whether what `parseLabelSelector` or `parseFieldSelector` returned is a problem. */
export function isSelectorProblem<T>(result: T | SelectorProblem): result is SelectorProblem {
  return typeof result === 'object' && result !== null && 'message' in result;
}

/** The requirements of a `metav1.LabelSelector`. An absent selector selects nothing, so it is the caller's case. */
export function selectorOf(selector: metav1.LabelSelector): Selector {
  return [
    ...Object.entries(selector.matchLabels ?? {}).map(([key, value]): Requirement => ({ key, operator: 'Equals', values: [value] })),
    // The API validates the operator to be one of the four.
    ...(selector.matchExpressions ?? []).map((e): Requirement => ({
      key: e.key,
      operator: e.operator as 'In' | 'NotIn' | 'Exists' | 'DoesNotExist',
      values: e.values ?? [],
    })),
  ];
}

/** The requirements of a plain map of labels, as Services and ReplicationControllers select. */
export function selectorOfMap(labels: Labels): Selector {
  return Object.entries(labels).map(([key, value]) => ({ key, operator: 'Equals', values: [value] }));
}

/** Whether labels satisfy every requirement. */
export function matchesSelector(selector: Selector, labels: Labels | undefined): boolean {
  return selector.every((requirement) => matchesRequirement(requirement, labels ?? {}));
}

function matchesRequirement({ key, operator, values }: Requirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Equals':
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotEquals':
    case 'NotIn':
      return value === undefined || !values.includes(value);
  }
}

/** The query-string form of a selector. */
export function formatSelector(selector: Selector): string {
  return selector.map(formatRequirement).join(',');
}

function formatRequirement({ key, operator, values }: Requirement): string {
  switch (operator) {
    case 'Exists':
      return key;
    case 'DoesNotExist':
      return `!${key}`;
    case 'Equals':
      return `${key}=${values[0] ?? ''}`;
    case 'NotEquals':
      return `${key}!=${values[0] ?? ''}`;
    case 'In':
      return `${key} in (${values.join(',')})`;
    case 'NotIn':
      return `${key} notin (${values.join(',')})`;
  }
}

/** One term of a field selector. */
export interface FieldRequirement {
  readonly path: string;
  readonly operator: 'Equals' | 'NotEquals';
  readonly value: string;
}

/** Reads `metadata.name=a,status.phase!=Running` (apimachinery fields.ParseSelector); `\` escapes `,`, `=` and itself. */
export function parseFieldSelector(text: string): readonly FieldRequirement[] | SelectorProblem {
  const terms: FieldRequirement[] = [];
  for (const term of text.split(/(?<!\\),/)) {
    if (term.trim() === '') continue;
    const match = /^([^=!]+?)(==|!=|=)((?:[^=\\]|\\.)*)$/.exec(term.trim());
    if (match === null) return { message: `invalid field selector: '${term}'; can't understand '${term}'` };
    const [, path = '', operator = '=', value = ''] = match;
    terms.push({ path, operator: operator === '!=' ? 'NotEquals' : 'Equals', value: value.replace(/\\(.)/g, '$1') });
  }
  return terms;
}
