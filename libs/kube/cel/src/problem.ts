/** One thing wrong with an expression, at an offset of its source. */
export interface CelProblem {
  readonly at: number;
  readonly message: string;
}

/** Thrown while an expression is parsed. */
export class CelSyntaxError extends Error {
  override readonly name = 'CelSyntaxError';
  readonly at: number;

  constructor(at: number, message: string) {
    super(message);
    this.at = at;
  }
}

/**
 * An error of an evaluation that expressions can absorb (`false && <error>` is false): no such key, no such overload,
 * overflow, a text that does not parse. The message is cel-go's.
 */
export class CelError extends Error {
  override readonly name = 'CelError';
}

/** The evaluation cost more than it may. Nothing absorbs it. */
export class CelCostError extends Error {
  override readonly name = 'CelCostError';

  constructor() {
    super('operation cancelled: actual cost limit exceeded');
  }
}

/** The error of a function none of whose signatures fits what it was given. */
export function noSuchOverload(): CelError {
  return new CelError('no such overload');
}

/** Problems with their place and the line they stand in (cel-go common/error.go ToDisplayString). */
export function formatProblems(source: string, problems: readonly CelProblem[]): string {
  return problems
    .toSorted((a, b) => a.at - b.at)
    .map((problem) => formatProblem(source, problem))
    .join('\n');
}

function formatProblem(source: string, { at, message }: CelProblem): string {
  const before = source.slice(0, at);
  const line = before.split('\n').length;
  const start = before.lastIndexOf('\n') + 1;
  const end = source.indexOf('\n', start);
  const text = source.slice(start, end < 0 ? undefined : end).replaceAll('\t', ' ');
  const column = Array.from(source.slice(start, at)).length;
  const marks = [...text].slice(0, column).map((char) => (char.charCodeAt(0) < 0x80 ? '.' : '\uff0e'));
  const under = [...text][column];
  const caret = under !== undefined && under.charCodeAt(0) >= 0x80 ? '\uff3e' : '^';
  return `ERROR: <input>:${line}:${column + 1}: ${message}\n | ${text}\n | ${marks.join('')}${caret}`;
}
