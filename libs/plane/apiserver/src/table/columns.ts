/** A column of a kind's Table as generated. */
interface ColumnRow {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly priority?: number;
  readonly path?: readonly string[];
}

/** The columns of one kind. */
export interface ColumnTable {
  readonly apiVersion: string;
  readonly kind: string;
  /** The kind has no printer of its own: Name and Created At. */
  readonly isDefault?: boolean;
  readonly columns: readonly ColumnRow[];
}

/** A column definition as the Table answer has it. */
export interface ColumnDefinition {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  readonly priority: number;
}
