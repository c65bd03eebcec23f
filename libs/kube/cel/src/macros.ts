import { ACCUMULATOR, OPERATORS, type Comprehension, type Expr } from './expr.ts';
import { CelSyntaxError } from './problem.ts';

type Call = Extract<Expr, { kind: 'call' }>;

/** The expression a call stands for, when it has the form of a macro; else the call itself. Throws `CelSyntaxError`. */
export function expandMacro(call: Call): Expr {
  const { name, target, args } = call;
  if (target === undefined) return name === 'has' && args.length === 1 ? expandHas(call) : call;
  const make = MACROS.get(`${name}/${args.length}`);
  return make === undefined ? call : (make(call, target) ?? call);
}

function expandHas({ args, at }: Call): Expr {
  const [arg] = args;
  if (arg?.kind !== 'select' || arg.testOnly) throw new CelSyntaxError(arg?.at ?? at, 'invalid argument to has() macro');
  return { ...arg, testOnly: true };
}

type Expand = (call: Call, target: Expr) => Expr | undefined;

const MACROS: ReadonlyMap<string, Expand> = new Map<string, Expand>([
  ['all/2', (call, target) => quantify(call, target, 'all', 1)],
  ['all/3', (call, target) => quantify(call, target, 'all', 2)],
  ['exists/2', (call, target) => quantify(call, target, 'exists', 1)],
  ['exists/3', (call, target) => quantify(call, target, 'exists', 2)],
  ['exists_one/2', (call, target) => existsOne(call, target, 1)],
  ['existsOne/2', (call, target) => existsOne(call, target, 1)],
  ['existsOne/3', (call, target) => existsOne(call, target, 2)],
  ['map/2', (call, target) => gather(call, target, { variables: 1, filtered: false })],
  ['map/3', (call, target) => gather(call, target, { variables: 1, filtered: true })],
  ['filter/2', (call, target) => filter(call, target)],
  ['transformList/3', (call, target) => gather(call, target, { variables: 2, filtered: false })],
  ['transformList/4', (call, target) => gather(call, target, { variables: 2, filtered: true })],
  ['transformMap/3', (call, target) => gatherMap(call, target, false)],
  ['transformMap/4', (call, target) => gatherMap(call, target, true)],
  ['transformMapEntry/3', (call, target) => gatherEntries(call, target, false)],
  ['transformMapEntry/4', (call, target) => gatherEntries(call, target, true)],
  ['optMap/2', (call, target) => optMap(call, target, false)],
  ['optFlatMap/2', (call, target) => optMap(call, target, true)],
]);

const literal = (value: boolean | bigint, at: number): Expr => ({ kind: 'literal', value, at });
const ident = (name: string, at: number): Expr => ({ kind: 'ident', name, at });
const operator = (name: string, args: readonly Expr[], at: number): Expr => ({ kind: 'call', name, target: undefined, args, at });
const method = (target: Expr, name: string, at: number): Expr => ({ kind: 'call', name, target, args: [], at });
const list = (elements: readonly Expr[], at: number): Expr => ({ kind: 'list', elements, optionals: new Set(), at });

interface Fold {
  readonly init: Expr;
  readonly condition: Expr;
  readonly step: Expr;
  readonly result?: Expr;
}

function fold(call: Call, target: Expr, variables: 1 | 2, parts: Fold): Comprehension {
  const names = call.args.slice(0, variables).map((arg) => variableName(arg));
  if (variables === 2 && names[0] === names[1]) throw new CelSyntaxError(call.args[1]?.at ?? call.at, `duplicate variable name: ${names[1]}`);
  return {
    kind: 'comprehension',
    at: call.at,
    range: target,
    iterVar: names[0] ?? '',
    iterVar2: names[1],
    accuVar: ACCUMULATOR,
    init: parts.init,
    condition: parts.condition,
    step: parts.step,
    result: parts.result ?? ident(ACCUMULATOR, call.at),
  };
}

function variableName(arg: Expr): string {
  if (arg.kind !== 'ident') throw new CelSyntaxError(arg.at, 'argument must be a simple name');
  return arg.name;
}

// The argument at an index of a call whose number of arguments its macro's key has checked.
function argumentOf(call: Call, index: number): Expr {
  const arg = call.args[index];
  if (arg === undefined) throw new CelSyntaxError(call.at, `macro ${call.name} lacks an argument`);
  return arg;
}

function quantify(call: Call, target: Expr, name: 'all' | 'exists', variables: 1 | 2): Expr {
  const { at } = call;
  const accu = ident(ACCUMULATOR, at);
  const predicate = argumentOf(call, variables);
  const goesOn = name === 'all' ? accu : operator(OPERATORS.not, [accu], at);
  return fold(call, target, variables, {
    init: literal(name === 'all', at),
    condition: operator(OPERATORS.notStrictlyFalse, [goesOn], at),
    step: operator(name === 'all' ? OPERATORS.and : OPERATORS.or, [accu, predicate], at),
  });
}

function existsOne(call: Call, target: Expr, variables: 1 | 2): Expr {
  const { at } = call;
  const accu = ident(ACCUMULATOR, at);
  return fold(call, target, variables, {
    init: literal(0n, at),
    condition: literal(true, at),
    step: operator(OPERATORS.conditional, [argumentOf(call, variables), operator(OPERATORS.add, [accu, literal(1n, at)], at), accu], at),
    result: operator(OPERATORS.equals, [accu, literal(1n, at)], at),
  });
}

function gather(call: Call, target: Expr, { variables, filtered }: { readonly variables: 1 | 2; readonly filtered: boolean }): Expr {
  const { at } = call;
  const accu = ident(ACCUMULATOR, at);
  const added = operator(OPERATORS.add, [accu, list([argumentOf(call, variables + (filtered ? 1 : 0))], at)], at);
  const step = filtered ? operator(OPERATORS.conditional, [argumentOf(call, variables), added, accu], at) : added;
  return fold(call, target, variables, { init: list([], at), condition: literal(true, at), step });
}

function filter(call: Call, target: Expr): Expr {
  const { at } = call;
  const accu = ident(ACCUMULATOR, at);
  const added = operator(OPERATORS.add, [accu, list([argumentOf(call, 0)], at)], at);
  const step = operator(OPERATORS.conditional, [argumentOf(call, 1), added, accu], at);
  return fold(call, target, 1, { init: list([], at), condition: literal(true, at), step });
}

function gatherMap(call: Call, target: Expr, filtered: boolean): Expr {
  const { at } = call;
  const accu = ident(ACCUMULATOR, at);
  const key = argumentOf(call, 0);
  const inserted = operator(OPERATORS.mapInsert, [accu, key, argumentOf(call, filtered ? 3 : 2)], at);
  const step = filtered ? operator(OPERATORS.conditional, [argumentOf(call, 2), inserted, accu], at) : inserted;
  return fold(call, target, 2, { init: { kind: 'map', entries: [], at }, condition: literal(true, at), step });
}

function gatherEntries(call: Call, target: Expr, filtered: boolean): Expr {
  const { at } = call;
  const accu = ident(ACCUMULATOR, at);
  const inserted = operator(OPERATORS.mapInsert, [accu, argumentOf(call, filtered ? 3 : 2)], at);
  const step = filtered ? operator(OPERATORS.conditional, [argumentOf(call, 2), inserted, accu], at) : inserted;
  return fold(call, target, 2, { init: { kind: 'map', entries: [], at }, condition: literal(true, at), step });
}

// target.hasValue() ? optional.of(<body with variable = target.value()>) : optional.none()
function optMap(call: Call, target: Expr, isFlat: boolean): Expr {
  const { at } = call;
  const variable = variableName(argumentOf(call, 0));
  const optional = ident('optional', at);
  const body: Expr = {
    kind: 'comprehension',
    at,
    range: list([], at),
    iterVar: '#unused',
    iterVar2: undefined,
    accuVar: variable,
    init: method(target, 'value', at),
    condition: literal(false, at),
    step: ident(variable, at),
    result: argumentOf(call, 1),
  };
  const present: Expr = isFlat ? body : { kind: 'call', name: 'of', target: optional, args: [body], at };
  return operator(OPERATORS.conditional, [method(target, 'hasValue', at), present, method(optional, 'none', at)], at);
}
