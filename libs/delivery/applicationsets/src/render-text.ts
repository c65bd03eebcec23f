import { messageOf } from '@tiphys/kernel';
import { BudgetError, renderGoText } from '@tiphys/delivery-helm';
import type { JsonValue } from '@tiphys/kube-model';
import type { ApplicationSetSpec, Parameters } from './application-set.ts';
import { GenerateError } from './generate-error.ts';

/** Fills parameters into a text. Throws GenerateError `template`. */
export type RenderText = (text: string, parameters: Parameters) => string;

const LIMITS = { steps: 1_000_000, outputBytes: 1024 * 1024, depth: 100 };

/** How the texts of a set are filled: as Go templates, or by names in braces. */
export function textRenderer({ goTemplate = false, goTemplateOptions = [] }: Pick<ApplicationSetSpec, 'goTemplate' | 'goTemplateOptions'>): RenderText {
  return goTemplate ? goTexts(goTemplateOptions) : fillBraces;
}

function goTexts(options: readonly string[]): RenderText {
  const option = options.at(-1)?.replace('missingkey=', '');
  const missingKey = option === 'error' || option === 'zero' ? option : 'default';
  return (text, parameters) => {
    try {
      return renderGoText(text, parameters, { missingKey, limits: LIMITS });
    } catch (error) {
      if (!(error instanceof Error) || error instanceof TypeError) throw error;
      const hint = error instanceof BudgetError ? 'the template needs more work than it may' : 'parameters are read as {{ .name }}';
      throw new GenerateError({ code: 'template' }, `failed to execute go template ${JSON.stringify(text.slice(0, 200))}: ${messageOf(error)}`, {
        cause: error,
        hint,
      });
    }
  };
}

/** Fills `{{ name }}`; a name that is no parameter stays as it is written (valyala/fasttemplate, as argo-cd uses it). */
export const fillBraces: RenderText = (text, parameters) =>
  text.replaceAll(/\{\{\s*([^{}]*?)\s*\}\}/g, (whole, name: string) => {
    const value = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
    return value === undefined ? whole : textOf(value);
  });

/** A value as a parameter prints. */
function textOf(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Fills every text of a value, the names of fields too. */
export function renderDeep(value: JsonValue, render: (text: string) => string): JsonValue {
  if (typeof value === 'string') return value.includes('{{') ? render(value) : value;
  if (Array.isArray(value)) return value.map((item: JsonValue) => renderDeep(item, render));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name.includes('{{') ? render(name) : name, renderDeep(item ?? null, render)]));
}

/** Nested parameters as names with dots; lists keep their JSON (argo-cd applicationset/generators flattenParameters). */
export function flatten(parameters: Parameters, prefix: string = ''): Readonly<Record<string, string>> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(parameters)) {
    const key = prefix === '' ? name : `${prefix}.${name}`;
    if (Array.isArray(value)) value.forEach((item: JsonValue, index) => (flat[`${key}.${index}`] = textOf(item)));
    else if (typeof value === 'object' && value !== null) Object.assign(flat, flatten(value as Parameters, key));
    else flat[key] = value === null ? '' : textOf(value);
  }
  return flat;
}
