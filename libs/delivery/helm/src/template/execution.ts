import { quote } from '../go/strconv.ts';
import type { GoValue } from '../go/value.ts';
import { byteLength } from '../go/text.ts';
import type { Budget } from './budget.ts';
import { TemplateExecError } from './errors.ts';
import type { FunctionContext } from './function-table.ts';
import { nodeText, type TemplateNode } from './nodes.ts';

/** A value while executing; `undefined` is Go's invalid reflect.Value ("no value"), `null` a nil interface. */
export type Eval = GoValue | undefined;

/** Why a statement ended: normally, or by `break` or `continue`. */
export type Signal = 'break' | 'continue' | undefined;

/** A compiled statement or list. */
export type Statement = (run: Execution, dot: Eval) => Signal;

/** A compiled operand, command or pipeline. */
export type Expression = (run: Execution, dot: Eval) => Eval;

/** A compiled template and the file it came from. */
export interface CompiledTemplate {
  readonly name: string;
  readonly fileName: string;
  readonly fileText: string;
  readonly isEmpty: boolean;
  readonly body: Statement;
}

/** What all executions of a set share. */
export interface ExecutionHost {
  readonly budget: Budget;
  readonly context: FunctionContext;
  readonly missingKey: 'zero' | 'error' | 'default';
  depth: number;
  readonly find: (name: string) => CompiledTemplate | undefined;
}

/** One running template: its variables, its output, and the node an error would point at. */
export class Execution {
  readonly host: ExecutionHost;
  readonly template: CompiledTemplate;
  readonly frame: Eval[];
  node: TemplateNode | undefined = undefined;
  out = '';

  constructor(host: ExecutionHost, template: CompiledTemplate, dot: Eval) {
    this.host = host;
    this.template = template;
    this.frame = [dot];
  }

  /** Appends output, counted against the budget. */
  write(text: string): void {
    this.host.budget.write(text.length);
    this.out += text;
  }

  /** Throws Go's exec error at the current node. */
  fail(message: string, cause?: unknown): never {
    const { name, fileName, fileText } = this.template;
    if (this.node === undefined) throw new TemplateExecError(name, `template: ${name}: ${message}`, cause);
    const before = fileText.slice(0, this.node.position);
    const lineStart = before.lastIndexOf('\n') + 1;
    const line = before.split('\n').length;
    const location = `${fileName}:${line}:${byteLength(before.slice(lineStart))}`;
    const text = `template: ${location}: executing ${quote(name)} at <${nodeText(this.node)}>: ${message}`;
    throw new TemplateExecError(name, text, cause);
  }
}

/** Runs a template in a new frame and gives its output. */
export function runTemplate(host: ExecutionHost, template: CompiledTemplate, dot: Eval): string {
  host.depth += 1;
  host.budget.enter(host.depth);
  try {
    const run = new Execution(host, template, dot);
    template.body(run, dot);
    return run.out;
  } finally {
    host.depth -= 1;
  }
}
