import { quote } from '../go/strconv.ts';
import { formatValue } from '../go/format.ts';
import { typeOf } from '../go/type-names.ts';
import { compareStrings } from '../go/text.ts';
import { goInt, GoBytes, GoInt, GoMap, GoObject, GoSlice } from '../go/value.ts';
import { isTrue } from '../go/type-names.ts';
import { asExpression, callWithArguments, compileCall, type CallSite, type Stage } from './compile-call.ts';
import { Execution, type CompiledTemplate, type Eval, type Expression, type Signal, type Statement } from './execution.ts';
import { fieldOf, givesInterface, methodOf } from './field.ts';
import type { FunctionTable } from './function-table.ts';
import {
  isEmptyTree,
  nodeText,
  type BranchNode,
  type CommandNode,
  type ListNode,
  type PipeNode,
  type StatementNode,
  type TermNode,
  type VariableNode,
} from './nodes.ts';
import { compileConstant } from './operands.ts';
import type { TemplateTree } from './parse.ts';

/** The file a template was parsed from. */
export interface TemplateFile {
  readonly name: string;
  readonly text: string;
}

/** Compiles a parsed template to closures bound to a function table. */
export function compileTemplate(tree: TemplateTree, file: TemplateFile, functions: FunctionTable): CompiledTemplate {
  const compiler = new Compiler(functions);
  const body = compiler.list(tree.root);
  return { name: tree.name, fileName: file.name, fileText: file.text, isEmpty: isEmptyTree(tree.root), body };
}

const LITERALS: ReadonlySet<TermNode['kind']> = new Set<TermNode['kind']>(['nil', 'dot', 'bool', 'number', 'string']);

interface Scope {
  readonly name: string;
  readonly slot: number;
  /** The variable holds an element of a collection, so Go sees it through an interface. */
  readonly isElement: boolean;
}

class Compiler {
  readonly #functions: FunctionTable;
  readonly #scopes: Scope[] = [{ name: '$', slot: 0, isElement: false }];
  #dotIsElement = false;
  #slots = 1;

  constructor(functions: FunctionTable) {
    this.#functions = functions;
  }

  list(node: ListNode): Statement {
    const statements = node.nodes.map((child) => this.#statement(child));
    const [only] = statements;
    if (statements.length === 1 && only !== undefined) return only;
    return (run, dot) => {
      for (const statement of statements) {
        const signal = statement(run, dot);
        if (signal !== undefined) return signal;
      }
      return undefined;
    };
  }

  #statement(node: StatementNode): Statement {
    switch (node.kind) {
      case 'text':
        return (run) => {
          run.host.budget.step();
          run.write(node.text);
          return undefined;
        };
      case 'action':
        return this.#action(node, node.pipe);
      case 'if':
      case 'with':
        return this.#branch(node);
      case 'range':
        return this.#range(node);
      case 'template':
        return this.#template(node);
      case 'break':
        return () => 'break';
      case 'continue':
        return () => 'continue';
      case 'end':
      case 'else':
        return () => undefined;
    }
  }

  #action(node: StatementNode, pipe: PipeNode): Statement {
    const value = this.#pipe(pipe);
    if (pipe.declares.length > 0) {
      return (run, dot) => {
        run.host.budget.step();
        run.node = node;
        value(run, dot);
        return undefined;
      };
    }
    return (run, dot) => {
      run.host.budget.step();
      run.node = node;
      const result = value(run, dot);
      run.node = node;
      run.write(printed(result));
      return undefined;
    };
  }

  #scoped<T>(work: () => T): T {
    const mark = this.#scopes.length;
    const element = this.#dotIsElement;
    try {
      return work();
    } finally {
      this.#scopes.length = mark;
      this.#dotIsElement = element;
    }
  }

  #branch(node: BranchNode): Statement {
    return this.#scoped(() => {
      const pipe = this.#pipe(node.pipe);
      const isWith = node.kind === 'with';
      const list = this.#scoped(() => {
        if (isWith) this.#dotIsElement = false;
        return this.list(node.list);
      });
      const otherwise = node.elseList === undefined ? undefined : this.list(node.elseList);
      return (run, dot) => {
        run.host.budget.step();
        run.node = node;
        const value = pipe(run, dot);
        if (isTrue(value)) return list(run, isWith ? value : dot);
        return otherwise?.(run, dot);
      };
    });
  }

  #range(node: BranchNode): Statement {
    return this.#scoped(() => {
      const pipe = this.#pipe(node.pipe, true);
      const slots = node.pipe.declares.map((variable) => this.#slotOf(variable.names[0] ?? ''));
      const otherwise = node.elseList === undefined ? undefined : this.list(node.elseList);
      this.#dotIsElement = true;
      const body = this.list(node.list);
      const elementSlot = slots.at(-1) ?? -1;
      const indexSlot = slots.length > 1 ? (slots[0] ?? -1) : -1;
      const iterate = (run: Execution, index: Eval, element: Eval): Signal => {
        run.host.budget.step();
        if (elementSlot >= 0) run.frame[elementSlot] = element;
        if (indexSlot >= 0) run.frame[indexSlot] = index;
        return body(run, element);
      };
      return (run, dot) => {
        run.host.budget.step();
        run.node = node;
        const value = pipe(run, dot);
        const ran = rangeOver(run, value, slots.length, iterate);
        return ran || otherwise === undefined ? undefined : otherwise(run, dot);
      };
    });
  }

  #template(node: Extract<StatementNode, { kind: 'template' }>): Statement {
    const pipe = node.pipe === undefined ? undefined : this.#pipe(node.pipe);
    return (run, dot) => {
      run.host.budget.step();
      run.node = node;
      const template = run.host.find(node.name) ?? run.fail(`template ${quote(node.name)} not defined`);
      const argument = pipe?.(run, dot);
      run.host.depth += 1;
      run.host.budget.enter(run.host.depth);
      try {
        const nested = new Execution(run.host, template, argument);
        template.body(nested, argument);
        run.out += nested.out;
      } finally {
        run.host.depth -= 1;
      }
      return undefined;
    };
  }

  #declare(name: string, isElement: boolean): number {
    const slot = this.#slots;
    this.#slots += 1;
    this.#scopes.push({ name, slot, isElement });
    return slot;
  }

  #find(name: string): Scope | undefined {
    return this.#scopes.findLast((scope) => scope.name === name);
  }

  #slotOf(name: string): number {
    return this.#find(name)?.slot ?? -1;
  }

  #pipe(pipe: PipeNode, isRange = false): Expression {
    const stages = pipe.commands.map((command, index) => this.#command(command, index > 0));
    const [first] = stages;
    const value: Expression = stages.length === 1 && first !== undefined ? pipeOfOne(pipe, first) : pipeOfMany(pipe, stages);
    if (pipe.declares.length === 0) return value;
    const names = pipe.declares.map((variable) => variable.names[0] ?? '');
    const slots = names.map((name, index) => (pipe.isAssign ? this.#slotOf(name) : this.#declare(name, isRange && index === names.length - 1)));
    const missing = names.find((_, index) => slots[index] === -1);
    return (run, dot) => {
      const result = value(run, dot);
      if (missing !== undefined) run.fail(`undefined variable: ${missing}`);
      for (const slot of slots) run.frame[slot] = result;
      return result;
    };
  }

  readonly #term = (node: TermNode): Expression => {
    switch (node.kind) {
      case 'pipe':
        return this.#pipe(node);
      case 'bool':
      case 'number':
      case 'string':
        return compileConstant(node);
      case 'nil':
        return (run) => {
          run.node = node;
          return run.fail('nil is not a command');
        };
      case 'dot':
        return (_run, dot) => dot;
      case 'identifier':
        return asExpression(this.#call(node.name, node, { kind: 'command', position: node.position, args: [node] }, false));
      case 'chain':
      case 'field':
      case 'variable':
        return asExpression(this.#access(node, undefined, false));
    }
  };

  #call(name: string, identifier: TermNode, command: CommandNode, hasFinal: boolean): Stage {
    const site: CallSite = { name, identifier, command, args: command.args.slice(1), hasFinal };
    return compileCall(site, this.#functions, this.#term);
  }

  #command(command: CommandNode, hasFinal: boolean): Stage {
    const [first] = command.args;
    if (first === undefined) return () => undefined;
    switch (first.kind) {
      case 'identifier':
        return this.#call(first.name, first, command, hasFinal);
      case 'field':
      case 'chain':
        return this.#access(first, command, hasFinal);
      case 'variable':
        if (first.names.length > 1) return this.#access(first, command, hasFinal);
        break;
      case 'bool':
      case 'dot':
      case 'nil':
      case 'number':
      case 'pipe':
      case 'string':
        break;
    }
    const value = this.#term(first);
    if (command.args.length === 1 && !hasFinal) {
      if (first.kind === 'pipe' || first.kind === 'variable') return value;
      return (run, dot) => {
        run.node = first;
        return value(run, dot);
      };
    }
    return (run) => {
      // Go reports a parenthesised pipeline at the pipeline around it.
      if (first.kind !== 'pipe') run.node = first;
      return run.fail(`can't give argument to non-function ${nodeText(first)}`);
    };
  }

  // Fields of dot, of a variable, or of a parenthesised pipeline; with a command the last may be a method with arguments.
  #access(node: Extract<TermNode, { kind: 'field' | 'variable' | 'chain' }>, command: CommandNode | undefined, hasFinal: boolean): Stage {
    if (node.kind === 'variable' && node.names.length === 1) return this.#variable(node);
    const names = node.kind === 'variable' ? node.names.slice(1) : node.names;
    const receiver = this.#receiver(node);
    const startsElement = node.kind === 'field' ? this.#dotIsElement : node.kind === 'variable' && (this.#find(node.names[0] ?? '')?.isElement ?? false);
    if (command === undefined || (command.args.length === 1 && !hasFinal)) return plainAccess(node, names, receiver, startsElement);
    const last = names.at(-1) ?? '';
    const before = names.slice(0, -1);
    const site: CallSite = { name: last, identifier: node, command: node, args: command.args.slice(1), hasFinal };
    const lead = before.length === 0 ? receiver : plainAccess(node, before, receiver, startsElement);
    // Which method it is shows only at run time, but variables are known only now.
    const terms = new Map(site.args.filter(({ kind }) => !LITERALS.has(kind)).map((arg) => [arg, this.#term(arg)]));
    const compiled = (arg: TermNode): Expression => terms.get(arg) ?? this.#term(arg);
    return (run, dot, final) => {
      run.node = node;
      const target = lead(run, dot, undefined);
      run.node = node;
      const method = methodOf(target, last);
      if (method !== undefined) return callWithArguments(run, method, { site, dot, final, compileTerm: compiled });
      if (target === undefined) return undefined;
      if (target === null) return run.fail(`nil pointer evaluating interface {}.${last}`);
      if (target instanceof GoMap) return run.fail(`${last} is not a method but has arguments`);
      if (target instanceof GoObject && Object.hasOwn(target.fields, last)) return run.fail(`${last} has arguments but cannot be invoked as function`);
      return run.fail(`can't evaluate field ${last} in type ${before.length > 0 || startsElement ? 'interface {}' : typeOf(target)}`);
    };
  }

  #variable(node: VariableNode): Stage {
    const slot = this.#slotOf(node.names[0] ?? '');
    return (run) => {
      run.node = node;
      return run.frame[slot];
    };
  }

  #receiver(node: Extract<TermNode, { kind: 'field' | 'variable' | 'chain' }>): Expression {
    if (node.kind === 'field') return (_run, dot) => dot;
    if (node.kind === 'variable') {
      const slot = this.#slotOf(node.names[0] ?? '');
      return (run) => run.frame[slot];
    }
    if (node.node.kind === 'nil') return (run) => run.fail(`indirection through explicit nil in ${nodeText(node)}`);
    return this.#term(node.node);
  }
}

function plainAccess(node: TermNode, names: readonly string[], receiver: Expression, startsElement: boolean): Stage {
  const [only] = names;
  if (names.length === 1 && only !== undefined) {
    return (run, dot) => {
      run.node = node;
      return fieldOf(run, receiver(run, dot), only, startsElement);
    };
  }
  return (run, dot) => {
    run.node = node;
    let value = receiver(run, dot);
    let isInterface = startsElement;
    for (const name of names) {
      const next = fieldOf(run, value, name, isInterface);
      isInterface = givesInterface(value);
      value = next;
    }
    return value;
  };
}

// A pipeline digs a nil interface down to "no value": this is why `(.a).b` does not fail where `.a.b` does.
function pipeOfOne(pipe: PipeNode, stage: Stage): Expression {
  return (run, dot) => {
    run.node = pipe;
    return stage(run, dot, undefined) ?? undefined;
  };
}

function pipeOfMany(pipe: PipeNode, stages: readonly Stage[]): Expression {
  return (run, dot) => {
    run.node = pipe;
    let value: Eval = undefined;
    for (const stage of stages) value = stage(run, dot, value) ?? undefined;
    return value;
  };
}

function printed(value: Eval): string {
  if (typeof value === 'string') return value;
  if (value === undefined || value === null) return '<no value>';
  if (value instanceof GoObject && value.addressableString !== undefined) return value.addressableString();
  return formatValue(value);
}

type Iterate = (run: Execution, index: Eval, element: Eval) => Signal;

function rangeOver(run: Execution, value: Eval, variables: number, iterate: Iterate): boolean {
  if (value instanceof GoMap) {
    for (const key of [...value.entries.keys()].sort(compareStrings)) {
      if (iterate(run, key, value.entries.get(key) ?? null) === 'break') break;
    }
    return value.entries.size > 0;
  }
  if (value instanceof GoSlice) return rangeItems(run, value.items, iterate);
  if (value instanceof GoBytes)
    return rangeItems(
      run,
      [...value.bytes].map((byte) => new GoInt('uint8', BigInt(byte))),
      iterate,
    );
  if (value instanceof GoInt) {
    if (variables > 1) run.fail(`can't use ${formatValue(value)} to iterate over more than one variable`);
    for (let index = 0n; index < value.value; index += 1n) {
      if (iterate(run, undefined, value.kind === 'int' ? goInt(index) : new GoInt(value.kind, index)) === 'break') break;
    }
    return value.value > 0n;
  }
  if (value === undefined || value === null) return false;
  return run.fail(`range can't iterate over ${formatValue(value)}`);
}

function rangeItems(run: Execution, items: readonly Eval[], iterate: Iterate): boolean {
  for (let index = 0; index < items.length; index += 1) {
    if (iterate(run, goInt(index), items[index]) === 'break') break;
  }
  return items.length > 0;
}
