import { quote } from '../go/strconv.ts';

/** Operands, pipelines and commands. `position` is a UTF-16 index into the text of the file. */
export type TermNode =
  | { readonly kind: 'bool'; readonly position: number; readonly value: boolean }
  | { readonly kind: 'dot'; readonly position: number }
  | { readonly kind: 'nil'; readonly position: number }
  | NumberNode
  | { readonly kind: 'string'; readonly position: number; readonly quoted: string; readonly text: string }
  | { readonly kind: 'field'; readonly position: number; readonly names: readonly string[] }
  | VariableNode
  | { readonly kind: 'identifier'; readonly position: number; readonly name: string }
  | { readonly kind: 'chain'; readonly position: number; readonly node: TermNode; readonly names: readonly string[] }
  | PipeNode;

/** A numeric literal with every reading it has. */
export interface NumberNode {
  readonly kind: 'number';
  readonly position: number;
  readonly text: string;
  readonly int: bigint | undefined;
  readonly uint: bigint | undefined;
  readonly float: number | undefined;
}

/** `$name.field…`; the first name carries the dollar sign. */
export interface VariableNode {
  readonly kind: 'variable';
  readonly position: number;
  readonly names: readonly string[];
}

/** `$x := command | command`. */
export interface PipeNode {
  readonly kind: 'pipe';
  readonly position: number;
  readonly isAssign: boolean;
  readonly declares: readonly VariableNode[];
  readonly commands: readonly CommandNode[];
}

/** One stage of a pipeline. */
export interface CommandNode {
  readonly kind: 'command';
  readonly position: number;
  readonly args: readonly TermNode[];
}

/** A control structure with a pipeline. */
export interface BranchNode {
  readonly kind: 'if' | 'with' | 'range';
  readonly position: number;
  readonly pipe: PipeNode;
  readonly list: ListNode;
  readonly elseList: ListNode | undefined;
}

/** Statements in order. */
export interface ListNode {
  readonly kind: 'list';
  readonly position: number;
  readonly nodes: readonly StatementNode[];
}

/** What a list is made of. */
export type StatementNode =
  | { readonly kind: 'text'; readonly position: number; readonly text: string }
  | { readonly kind: 'action'; readonly position: number; readonly pipe: PipeNode }
  | BranchNode
  | { readonly kind: 'template'; readonly position: number; readonly name: string; readonly pipe: PipeNode | undefined }
  | { readonly kind: 'break' | 'continue' | 'end' | 'else'; readonly position: number };

/** Any node. */
export type TemplateNode = TermNode | CommandNode | ListNode | StatementNode;

/** The node as Go prints it in error messages. */
export function nodeText(node: TemplateNode): string {
  switch (node.kind) {
    case 'bool':
      return String(node.value);
    case 'dot':
      return '.';
    case 'nil':
      return 'nil';
    case 'number':
      return node.text;
    case 'string':
      return node.quoted;
    case 'field':
      return node.names.map((name) => `.${name}`).join('');
    case 'variable':
      return node.names.join('.');
    case 'identifier':
      return node.name;
    case 'chain':
      return `${argText(node.node)}${node.names.map((name) => `.${name}`).join('')}`;
    case 'pipe':
      return pipeText(node);
    case 'command':
      return node.args.map(argText).join(' ');
    case 'list':
      return node.nodes.map(nodeText).join('');
    case 'text':
      return node.text;
    case 'action':
      return `{{${pipeText(node.pipe)}}}`;
    case 'template':
      return `{{template ${quote(node.name)}${node.pipe === undefined ? '' : ` ${pipeText(node.pipe)}`}}}`;
    case 'if':
    case 'with':
    case 'range':
      return `{{${node.kind} ${pipeText(node.pipe)}}}${nodeText(node.list)}${node.elseList === undefined ? '' : `{{else}}${nodeText(node.elseList)}`}{{end}}`;
    case 'break':
    case 'continue':
    case 'end':
    case 'else':
      return `{{${node.kind}}}`;
  }
}

function argText(node: TermNode): string {
  return node.kind === 'pipe' ? `(${pipeText(node)})` : nodeText(node);
}

function pipeText(pipe: PipeNode): string {
  const commands = pipe.commands.map(nodeText).join(' | ');
  if (pipe.declares.length === 0) return commands;
  return `${pipe.declares.map(nodeText).join(', ')} ${pipe.isAssign ? '=' : ':='} ${commands}`;
}

/** Whether a tree prints nothing but space: such a redefinition does not replace an earlier template. */
export function isEmptyTree(list: ListNode): boolean {
  return list.nodes.every((node) => node.kind === 'text' && /^\s*$/.test(node.text));
}
