/** What is wrong with a text, and where. Lines and columns count from 1. */
export interface ManifestProblem {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
  readonly message: string;
}

/** `file:line:column: message`, as editors and people read it. */
export function formatProblem({ file, line, column, message }: ManifestProblem): string {
  return `${[file, line, column].filter((part) => part !== undefined).join(':')}: ${message}`;
}
