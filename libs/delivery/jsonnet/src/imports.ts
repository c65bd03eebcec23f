import type { Expression } from './ast.ts';

/** An import as a program writes it. */
export interface WrittenImport {
  readonly form: 'import' | 'importstr' | 'importbin';
  readonly path: string;
}

/** All imports of a program, wherever they stand. */
export function importsOf(program: Expression): readonly WrittenImport[] {
  const found: WrittenImport[] = [];
  const waiting: unknown[] = [program];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (typeof node !== 'object' || node === null) continue;
    if (isImport(node)) found.push({ form: node.form, path: node.path });
    else for (const [name, value] of Object.entries(node)) if (name !== 'place' && value !== undefined) waiting.push(value);
  }
  return found;
}

function isImport(node: object): node is WrittenImport & { readonly kind: 'import' } {
  return 'kind' in node && node.kind === 'import';
}
