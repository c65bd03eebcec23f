import type { Chart } from '../chart/chart.ts';
import { filesObject } from '../chart/files-object.ts';
import { HelmError } from '../chart/helm-error.ts';
import type { HelmCompat } from '../chart/load-chart.ts';
import { metadataObject } from '../chart/metadata.ts';
import { fromBytes } from '../go/text.ts';
import { goMap, GoMap, type GoValue } from '../go/value.ts';
import { TemplateExecError, TemplateParseError } from '../template/errors.ts';
import type { TemplateSet } from '../template/template-set.ts';
import { execErrorText, parseErrorText } from './error-text.ts';

interface Renderable {
  readonly text: string;
  readonly scope: GoMap;
  readonly basePath: string;
}

/** What every template of a release sees besides its chart. */
export interface ReleaseScope {
  readonly values: GoMap;
  readonly release: GoValue;
  readonly capabilities: GoValue;
}

/** Renders the templates of a chart tree; partials (`_*`) give no file. Throws HelmError of stage `render`. */
export function renderTemplates(chart: Chart, top: ReleaseScope, set: TemplateSet, compat: HelmCompat): Map<string, string> {
  const templates = new Map<string, Renderable>();
  collect(chart, top.values, { top, templates, compat });
  // Deepest path first, then backwards: so that a parent's definitions replace those of its subcharts.
  const names = [...templates.keys()].sort(comparePaths).reverse();
  for (const name of names) parseOne(set, name, templates.get(name)?.text ?? '');
  const rendered = new Map<string, string>();
  for (const name of names) {
    const template = templates.get(name);
    if (template === undefined || isPartial(name)) continue;
    template.scope.entries.set(
      'Template',
      new GoMap(
        new Map([
          ['Name', name],
          ['BasePath', template.basePath],
        ]),
        'common.Values',
      ),
    );
    rendered.set(name, executeOne(set, name, template.scope, compat).replaceAll('<no value>', ''));
  }
  return rendered;
}

function isPartial(path: string): boolean {
  return path.slice(path.lastIndexOf('/') + 1).startsWith('_');
}

function comparePaths(a: string, b: string): number {
  const depth = (path: string): number => path.split('/').length;
  return depth(a) - depth(b) || (a < b ? -1 : a > b ? 1 : 0);
}

function parseOne(set: TemplateSet, name: string, text: string): void {
  try {
    set.parse(name, text);
  } catch (error) {
    if (!(error instanceof TemplateParseError)) throw error;
    throw new HelmError({ code: 'render' }, parseErrorText(name, error.message), { cause: error });
  }
}

function executeOne(set: TemplateSet, name: string, scope: GoMap, compat: HelmCompat): string {
  try {
    return set.execute(name, scope);
  } catch (error) {
    if (!(error instanceof TemplateExecError)) throw error;
    throw new HelmError({ code: 'render' }, execErrorText(name, error, compat), { cause: error });
  }
}

interface Collection {
  readonly top: ReleaseScope;
  readonly templates: Map<string, Renderable>;
  readonly compat: HelmCompat;
}

// Subcharts see only their part of the values; the part is the same map, so that what one template sets the next one sees.
function collect(chart: Chart, values: GoMap, into: Collection): GoMap {
  const { top, templates, compat } = into;
  const subcharts = new GoMap();
  const scope = goMap([
    ['Chart', metadataObject(chart.metadata, chart.isRoot, compat === 'helm3')],
    ['Files', filesObject(chart.files)],
    ['Release', top.release],
    ['Capabilities', top.capabilities],
    ['Values', new GoMap(values.entries, 'common.Values')],
    ['Subcharts', subcharts],
  ]);
  for (const child of chart.dependencies) {
    const own = values.entries.get(child.name);
    subcharts.entries.set(child.name, collect(child, own instanceof GoMap ? own : new GoMap(), into));
  }
  const { fullPath } = chart;
  for (const { name, data } of chart.templates) {
    if (chart.isLibrary && !isPartial(name)) continue;
    templates.set(`${fullPath}/${name}`, { text: fromBytes(data), scope, basePath: `${fullPath}/templates` });
  }
  return scope;
}
