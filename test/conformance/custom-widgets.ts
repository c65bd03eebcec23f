import { eventually } from '@tiphys/testkit';
import type { Answer, ConformancePlane } from './plane.ts';

/** A definition that a test has made. */
export interface Widgets {
  readonly group: string;
  readonly name: string;
  /** Where its CustomResourceDefinition is. */
  readonly definition: string;
}

/** Where definitions are. */
export const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

/** A definition of widgets in a group; `schema` is that of each version. */
export function widgetDefinition(
  group: string,
  schema: unknown = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  versions: readonly string[] = ['v1'],
): Answer['body'] {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `widgets.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
      versions: versions.map((name, index) => ({ name, served: true, storage: index === 0, schema: { openAPIV3Schema: schema } })),
    },
  };
}

/** Creates a definition and waits until it is served. */
export async function createWidgets(plane: ConformancePlane, group: string, schema?: unknown, versions?: readonly string[]): Promise<Widgets> {
  const body = widgetDefinition(group, schema, versions);
  await plane.must(201, 'POST', DEFINITIONS, { body });
  const definition = `${DEFINITIONS}/${body.metadata.name}`;
  await eventually(
    `${body.metadata.name} is established`,
    () => plane.must(200, 'GET', definition),
    ({ status }) => status.conditions.some((condition: Answer['body']) => condition.type === 'Established' && condition.status === 'True'),
  );
  return { group, name: body.metadata.name, definition };
}

/** Deletes a definition and waits until it is gone. */
export async function deleteWidgets(plane: ConformancePlane, widgets: Widgets): Promise<void> {
  await plane.must(200, 'DELETE', widgets.definition);
  await eventually(
    `${widgets.name} is gone`,
    () => plane.call('GET', widgets.definition),
    ({ code }) => code === 404,
  );
}
