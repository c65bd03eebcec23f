/** An error of Go's text/template while parsing: `template: NAME:LINE: …`. */
export class TemplateParseError extends Error {
  override readonly name = 'TemplateParseError';
}

/**
 * An error of Go's text/template while executing: `template: NAME:LINE:COL: executing "NAME" at <NODE>: …`.
 * `cause` is the error a function returned (Go's Unwrap chain), itself a TemplateExecError for a nested include.
 */
export class TemplateExecError extends Error {
  override readonly name = 'TemplateExecError';
  readonly templateName: string;

  constructor(templateName: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.templateName = templateName;
  }
}

/** An error a template function returned. `cause` is what it wraps, as with Go's `%w`. */
export class GoError extends Error {
  override readonly name = 'GoError';
}

/** The error of `fail` and `required`: Helm reports it at the outermost call. */
export class FailError extends GoError {}
