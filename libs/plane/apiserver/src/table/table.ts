import { fieldAt } from '@tiphys/kube-model';
import type { Draft } from '../draft.ts';
import { COLUMN_TABLES } from '../generated/columns.ts';
import type { ServedResource } from '../registry/served.ts';
import { Age, ageOf } from './age.ts';
import { CELLS, type Cell } from './cells.ts';
import type { ColumnDefinition } from './columns.ts';
import { evaluateJsonPath } from './json-path.ts';

/** How the rows of a kind are made. */
export interface TablePlan {
  readonly columns: readonly ColumnDefinition[];
  readonly cells: readonly Cell[];
  readonly rowConditions: (draft: Draft) => readonly unknown[];
}

const NAME: ColumnDefinition = { name: 'Name', type: 'string', format: 'name', description: 'Name must be unique within a namespace.', priority: 0 };
const nameCell: Cell = (draft) => draft.metadata.name ?? '';
const ageCell: Cell = (draft) => ageOf(draft.metadata.creationTimestamp);
const plans = new WeakMap<ServedResource, TablePlan>();

/** The columns and cells of a resource. */
export function tablePlan(served: ServedResource): TablePlan {
  const plan = plans.get(served) ?? (served.custom === undefined ? builtinPlan(served) : customPlan(served));
  plans.set(served, plan);
  return plan;
}

function builtinPlan(served: ServedResource): TablePlan {
  const table = COLUMN_TABLES.find((candidate) => candidate.kind === served.kind && candidate.apiVersion === served.apiVersion);
  const columns = table?.columns ?? [
    { name: 'Name', type: 'string', format: 'name' },
    { name: 'Created At', type: 'date' },
  ];
  return {
    columns: columns.map(({ name, type, format = '', priority = 0 }) => ({ name, type, format, description: '', priority })),
    cells: columns.map((column): Cell => {
      const byHand = CELLS[served.kind]?.[column.name];
      if (byHand !== undefined) return byHand;
      if (column.name === 'Name') return nameCell;
      if (column.name === 'Age') return ageCell;
      if (column.name === 'Created At') return (draft) => draft.metadata.creationTimestamp ?? '';
      return fieldCell(('path' in column ? column.path : undefined) ?? [], column.type);
    }),
    rowConditions: served.kind === 'Pod' ? podConditions : () => [],
  };
}

function fieldCell(path: readonly string[], type: string): Cell {
  return (draft) => {
    const value = path.length === 0 ? undefined : fieldAt(draft, ...path);
    if (value === undefined) return type === 'integer' ? 0 : type === 'boolean' ? false : '';
    return typeof value === 'object' ? JSON.stringify(value) : type === 'string' ? String(value) : value;
  };
}

function podConditions(draft: Draft): readonly unknown[] {
  const phase = fieldAt(draft, 'status', 'phase');
  return phase === 'Succeeded' || phase === 'Failed' ? [{ type: 'Completed', status: 'True', reason: phase, message: 'The pod has completed.' }] : [];
}

function customPlan(served: ServedResource): TablePlan {
  const given = served.custom?.columns ?? [];
  const columns = given.length === 0 ? [{ name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' }] : given;
  return {
    columns: [
      NAME,
      ...columns.map((column) => ({
        name: column.name,
        type: column.type,
        format: ('format' in column ? column.format : undefined) ?? '',
        description: ('description' in column ? column.description : undefined) ?? '',
        priority: ('priority' in column ? column.priority : undefined) ?? 0,
      })),
    ],
    cells: [
      nameCell,
      ...columns.map(
        (column): Cell =>
          (draft) =>
            customCell(evaluateJsonPath(column.jsonPath, draft), column.type),
      ),
    ],
    rowConditions: () => [],
  };
}

// The first value a column's path selects, when it is of the column's type (apiextensions tableconvertor.go cellForJSONValue).
function customCell([value]: readonly unknown[], type: string): unknown {
  if (value === undefined || value === null) return null;
  switch (type) {
    case 'string':
      return typeof value === 'object' ? JSON.stringify(value) : String(value);
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
      if (typeof value !== 'string') return null;
      return Number.isNaN(Date.parse(value)) ? '<invalid>' : ageOf(value);
    default:
      return null;
  }
}

/** What a row carries besides its cells. */
export type IncludeObject = 'None' | 'Metadata' | 'Object';

/** One row of a Table. */
export function tableRow(plan: TablePlan, draft: Draft, include: IncludeObject, version: string, nowMs: number): unknown {
  const conditions = plan.rowConditions(draft);
  return {
    cells: plan.cells.map((cell) => cell(draft)).map((cell) => (cell instanceof Age ? cell.textAt(nowMs) : cell)),
    ...(conditions.length === 0 ? {} : { conditions }),
    ...(include === 'None' ? {} : { object: include === 'Object' ? draft : partialMetadata(draft, version) }),
  };
}

// Rows of stored objects as JSON, cut where an age stands: making them costs far more than joining them.
interface MadeRow {
  readonly plan: TablePlan;
  readonly form: string;
  readonly parts: readonly (string | Age)[];
}

const rows = new WeakMap<Uint8Array, MadeRow>();

/** One row of a Table as JSON text, from the bytes of a stored object, which are read at the first time only. */
export function tableRowText(
  plan: TablePlan,
  stored: Uint8Array,
  read: () => Draft,
  shape: { readonly include: IncludeObject; readonly version: string },
  nowMs: number,
): string {
  const form = `${shape.include} ${shape.version}`;
  let row = rows.get(stored);
  if (row?.plan !== plan || row.form !== form) {
    row = { plan, form, parts: rowParts(plan, read(), shape.include, shape.version) };
    rows.set(stored, row);
  }
  let text = '';
  for (const part of row.parts) text += typeof part === 'string' ? part : JSON.stringify(part.textAt(nowMs));
  return text;
}

function rowParts(plan: TablePlan, draft: Draft, include: IncludeObject, version: string): readonly (string | Age)[] {
  const parts: (string | Age)[] = ['{"cells":['];
  const write = (text: string): void => {
    const last = parts.at(-1);
    if (typeof last === 'string') parts[parts.length - 1] = last + text;
    else parts.push(text);
  };
  for (const [index, cell] of plan.cells.entries()) {
    if (index > 0) write(',');
    const value = cell(draft);
    if (value instanceof Age) parts.push(value);
    else write(JSON.stringify(value ?? null));
  }
  const conditions = plan.rowConditions(draft);
  write(']');
  if (conditions.length > 0) write(`,"conditions":${JSON.stringify(conditions)}`);
  if (include !== 'None') write(`,"object":${JSON.stringify(include === 'Object' ? draft : partialMetadata(draft, version))}`);
  write('}');
  return parts;
}

/** A Table of rows already made; `columns` is left out where the client has them. */
export function tableOf(columns: readonly ColumnDefinition[] | undefined, rows: readonly unknown[], metadata: unknown, version: string): unknown {
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${version}`,
    metadata,
    ...(columns === undefined ? { columnDefinitions: null } : { columnDefinitions: columns }),
    rows,
  };
}

/** The object's metadata alone. */
export function partialMetadata(draft: Draft, version: string): unknown {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: draft.metadata };
}
