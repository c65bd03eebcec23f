import { asMap } from '../draft.ts';

type Step =
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'all' }
  | { readonly kind: 'filter'; readonly path: readonly string[]; readonly operator: string; readonly value: string };

const STEP =
  /\.([A-Za-z_$][\w$-]*(?:\\\.[\w$-]+)*)|\.?\[\s*(?:'([^']*)'|"([^"]*)"|(-?\d+)|(\*)|\?\(\s*@\.([\w.-]+)\s*(==|!=)\s*(?:'([^']*)'|"([^"]*)"|([\w.-]+))\s*\))\s*\]|\.(\*)/y;
const cache = new Map<string, readonly Step[] | undefined>();

/** The values a JSONPath of a printer column or scale subresource selects; empty when nothing or not understood. */
export function evaluateJsonPath(path: string, root: unknown): readonly unknown[] {
  if (!cache.has(path)) cache.set(path, parse(path));
  return (cache.get(path) ?? []).reduce<readonly unknown[]>(
    (values, step) => values.flatMap((value) => take(value, step)),
    cache.get(path) === undefined ? [] : [root],
  );
}

function parse(path: string): readonly Step[] | undefined {
  const text = path.startsWith('{') && path.endsWith('}') ? path.slice(1, -1) : path;
  const steps: Step[] = [];
  STEP.lastIndex = text.startsWith('$') ? 1 : 0;
  while (STEP.lastIndex < text.length) {
    const match = STEP.exec(text);
    if (match === null) return undefined;
    steps.push(stepOf(match));
  }
  return steps;
}

function stepOf(match: RegExpExecArray): Step {
  const [, field, single, double, index, star, filterPath, operator = '==', singleValue, doubleValue, bare] = match;
  if (filterPath !== undefined) return { kind: 'filter', path: filterPath.split('.'), operator, value: singleValue ?? doubleValue ?? bare ?? '' };
  if (index !== undefined) return { kind: 'index', index: Number(index) };
  const name = field?.replaceAll('\\.', '.') ?? single ?? double;
  return name === undefined || star !== undefined ? { kind: 'all' } : { kind: 'field', name };
}

function take(value: unknown, step: Step): readonly unknown[] {
  switch (step.kind) {
    case 'field': {
      const map = asMap(value);
      return map !== undefined && Object.hasOwn(map, step.name) && map[step.name] !== null ? [map[step.name]] : [];
    }
    case 'index':
      return Array.isArray(value) && value.at(step.index) !== undefined ? [value.at(step.index)] : [];
    case 'all':
      return Array.isArray(value) ? value : Object.values(asMap(value) ?? {});
    case 'filter':
      return Array.isArray(value)
        ? value.filter((item) => (String(step.path.reduce<unknown>((at, name) => asMap(at)?.[name], item)) === step.value) === (step.operator === '=='))
        : [];
  }
}
