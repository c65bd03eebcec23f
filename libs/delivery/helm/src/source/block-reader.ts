/** The fields of a block in an application source, as they were parsed. */
export type BlockFields = Readonly<Record<string, unknown>>;

/** Reads the fields of a block of an application source, absent ones as their zero value; each reader throws what `wrong` makes. */
export interface BlockReader {
  text(fields: BlockFields, name: string): string;
  flag(fields: BlockFields, name: string): boolean;
  texts(fields: BlockFields, name: string): readonly string[];
  structs(fields: BlockFields, name: string): readonly BlockFields[];
  struct(fields: BlockFields, name: string): BlockFields | undefined;
  textMap(fields: BlockFields, name: string): ReadonlyMap<string, string>;
}

/** Makes a reader. `wrong` makes the error for a field that is not what it must be. */
export function createBlockReader(wrong: (name: string, wanted: string) => Error): BlockReader {
  function list<T>(fields: BlockFields, name: string, wanted: string, is: (item: unknown) => item is T): readonly T[] {
    const value: unknown = fields[name] ?? [];
    if (!Array.isArray(value)) throw wrong(name, 'a list');
    return value.map((item: unknown) => {
      if (!is(item)) throw wrong(name, wanted);
      return item;
    });
  }
  const struct = (fields: BlockFields, name: string): BlockFields | undefined => {
    const value = fields[name] ?? undefined;
    if (value === undefined || isFields(value)) return value;
    throw wrong(name, 'an object');
  };
  return {
    text(fields, name) {
      const value = fields[name] ?? '';
      if (typeof value !== 'string') throw wrong(name, 'a string');
      return value;
    },
    flag(fields, name) {
      const value = fields[name] ?? false;
      if (typeof value !== 'boolean') throw wrong(name, 'true or false');
      return value;
    },
    texts: (fields, name) => list(fields, name, 'a list of strings', isText),
    structs: (fields, name) => list(fields, name, 'a list of objects', isFields),
    struct,
    textMap(fields, name) {
      const entries = Object.entries(struct(fields, name) ?? {});
      return new Map(
        entries.map(([key, value]): [string, string] => {
          if (typeof value !== 'string') throw wrong(name, 'a map of strings');
          return [key, value];
        }),
      );
    },
  };
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isFields(value: unknown): value is BlockFields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
