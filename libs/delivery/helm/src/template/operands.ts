import { goInt, type GoValue } from '../go/value.ts';
import { canBeNil, validate, zeroOf } from './assign.ts';
import type { Expression, Execution } from './execution.ts';
import { nodeText, type NumberNode, type TermNode } from './nodes.ts';

/** Compiles a node that is neither literal nor nil; the compiler hands in the rest of itself. */
export type CompileTerm = (node: TermNode) => Expression;

/** A compiled argument: the value converted for its parameter. */
export type Argument = (run: Execution, dot: Parameters<Expression>[1]) => GoValue;

/** Go's evalArg: compiles an argument for a parameter type; literals adapt, other values are checked. */
export function compileArgument(node: TermNode, type: string, compileTerm: CompileTerm): Argument {
  switch (node.kind) {
    case 'nil':
      return (run) => {
        run.node = node;
        return canBeNil(type) ? zeroOf(type) : run.fail(`cannot assign nil to ${type}`);
      };
    case 'dot':
      return (run, dot) => {
        run.node = node;
        return validate(run, dot, type);
      };
    case 'bool':
    case 'number':
    case 'string':
      return compileLiteral(node, type);
    case 'chain':
    case 'field':
    case 'identifier':
    case 'pipe':
    case 'variable': {
      const value = compileTerm(node);
      if (type === 'interface {}' || type === 'reflect.Value') {
        return (run, dot) => {
          run.node = node;
          return value(run, dot) ?? null;
        };
      }
      return (run, dot) => {
        run.node = node;
        return validate(run, value(run, dot), type);
      };
    }
  }
}

type LiteralNode = Extract<TermNode, { kind: 'bool' | 'number' | 'string' }>;

function compileLiteral(node: LiteralNode, type: string): Argument {
  const value = literalFor(node, type);
  if (value instanceof Complaint) {
    return (run) => {
      run.node = node;
      return run.fail(value.text);
    };
  }
  return (run) => {
    run.node = node;
    return value;
  };
}

class Complaint {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

function literalFor(node: LiteralNode, type: string): GoValue | Complaint {
  switch (type) {
    case 'interface {}':
    case 'reflect.Value':
      return literal(node);
    case 'bool':
      return node.kind === 'bool' ? node.value : new Complaint(`expected bool; found ${nodeText(node)}`);
    case 'string':
      return node.kind === 'string' ? node.text : new Complaint(`expected string; found ${nodeText(node)}`);
    case 'uint32':
      return node.kind === 'number' && node.uint !== undefined ? goInt(node.uint) : new Complaint(`expected unsigned integer; found ${nodeText(node)}`);
    case 'int':
      return node.kind === 'number' && node.int !== undefined ? goInt(node.int) : new Complaint(`expected integer; found ${nodeText(node)}`);
    case 'float64':
      return node.kind === 'number' && node.float !== undefined ? node.float : new Complaint(`expected float; found ${nodeText(node)}`);
    default:
      return new Complaint(`can't handle ${nodeText(node)} for arg of type ${type}`);
  }
}

function literal(node: LiteralNode): GoValue | Complaint {
  if (node.kind === 'bool') return node.value;
  return node.kind === 'string' ? node.text : idealConstant(node);
}

/** The value of a numeric literal that nothing asks a type of, or Go's complaint. */
function idealConstant(node: NumberNode): GoValue | Complaint {
  const isFloat = node.float !== undefined && !node.text.startsWith("'") && !/^[+-]?0[xX]/.test(node.text) && /[.eEpP]/.test(node.text);
  if (isFloat) return node.float ?? 0;
  return node.int === undefined ? new Complaint(`${node.text} overflows int`) : goInt(node.int);
}

/** Compiles a literal that stands as a command. */
export function compileConstant(node: LiteralNode): Expression {
  return compileLiteral(node, 'interface {}');
}
