import type { apiextensionsv1 } from '@tiphys/kube-model';

type Column = apiextensionsv1.CustomResourceColumnDefinition;

interface Definition {
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
  readonly shortNames: readonly string[];
  readonly columns: readonly Column[];
  readonly fields: readonly string[];
  readonly required: readonly string[];
}

const DEFINITIONS: readonly Definition[] = [
  {
    group: 'argoproj.io',
    kind: 'Application',
    plural: 'applications',
    shortNames: ['app', 'apps'],
    fields: ['spec', 'status', 'operation'],
    required: ['spec'],
    columns: [
      { name: 'Sync Status', type: 'string', jsonPath: '.status.sync.status' },
      { name: 'Health Status', type: 'string', jsonPath: '.status.health.status' },
      { name: 'Revision', type: 'string', jsonPath: '.status.sync.revision', priority: 10 },
      { name: 'Project', type: 'string', jsonPath: '.spec.project', priority: 10 },
    ],
  },
  {
    group: 'argoproj.io',
    kind: 'ApplicationSet',
    plural: 'applicationsets',
    shortNames: ['appset', 'appsets'],
    fields: ['spec', 'status'],
    required: ['spec'],
    columns: [{ name: 'Applications', type: 'integer', jsonPath: '.status.resourcesCount' }],
  },
  {
    group: 'argoproj.io',
    kind: 'AppProject',
    plural: 'appprojects',
    shortNames: ['appproj', 'appprojs'],
    fields: ['spec', 'status'],
    required: [],
    columns: [],
  },
  {
    group: 'tiphys.dev',
    kind: 'SyncRun',
    plural: 'syncruns',
    shortNames: ['sr'],
    fields: ['spec', 'status'],
    required: ['spec'],
    columns: [
      { name: 'Application', type: 'string', jsonPath: '.spec.application' },
      { name: 'Cause', type: 'string', jsonPath: '.spec.cause' },
      { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
      { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
    ],
  },
];

/** The CustomResourceDefinitions to install on whichever API Tiphys drives. Fields are open: our own parsers judge what they read. */
export function crdManifests(): readonly apiextensionsv1.CustomResourceDefinition[] {
  return DEFINITIONS.map(toManifest);
}

function toManifest({ group, kind, plural, shortNames, columns, fields, required }: Definition): apiextensionsv1.CustomResourceDefinition {
  const open: apiextensionsv1.JSONSchemaProps = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}`, labels: { 'app.kubernetes.io/part-of': 'tiphys' } },
    spec: {
      group,
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase(), shortNames: [...shortNames] },
      scope: 'Namespaced',
      versions: [
        {
          name: 'v1alpha1',
          served: true,
          storage: true,
          additionalPrinterColumns: [...columns],
          schema: {
            openAPIV3Schema: {
              type: 'object',
              ...(required.length > 0 ? { required: [...required] } : {}),
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                metadata: { type: 'object' },
                ...Object.fromEntries(fields.map((field) => [field, open])),
              },
            },
          },
        },
      ],
    },
  };
}
