import { DomainError } from '@tiphys/kernel';
import { quote } from '../go/strconv.ts';
import type { GoValue } from '../go/value.ts';
import { Budget, BudgetError } from './budget.ts';
import { compileTemplate } from './compile.ts';
import { isStackOverflow } from './compile-call.ts';
import { GoError } from './errors.ts';
import { runTemplate, type CompiledTemplate, type ExecutionHost } from './execution.ts';
import type { FunctionContext, FunctionEnvironment, FunctionTable } from './function-table.ts';
import { parseTemplates } from './parse.ts';

/** What a set is made of. */
export interface TemplateSetOptions {
  readonly functions: FunctionTable;
  readonly environment: FunctionEnvironment;
  readonly budget?: Budget;
  readonly missingKey?: 'zero' | 'error' | 'default';
}

/** Named templates that call each other. */
export interface TemplateSet {
  /** Adds a template and its defines. Throws TemplateParseError with Go's message. */
  parse(name: string, text: string): void;
  has(name: string): boolean;
  /** Renders a template. Throws TemplateExecError with Go's message, BudgetError when the budget is spent. */
  execute(name: string, dot: GoValue): string;
}

/** Helm's bound on re-entering one name through `include`. */
const MAX_INCLUDES_OF_ONE_NAME = 1000;
/** The name of Helm's root template, which every `tpl` text runs under. */
const ROOT_NAME = 'gotpl';
/** Text kept compiled per function table; beyond it the cache starts again. */
const CACHE_LIMIT_CHARS = 8 * 1024 * 1024;

/** Makes an empty set. */
export function createTemplateSet(options: TemplateSetOptions): TemplateSet {
  const shared: SharedState = { options, budget: options.budget ?? new Budget(), included: new Map(), depth: { value: 0 } };
  const layer = createLayer(shared, undefined);
  return {
    parse: (name, text) => layer.add(name, text),
    has: (name) => layer.host.find(name) !== undefined,
    execute: (name, dot) =>
      guarded(shared.budget, () => {
        const template = layer.host.find(name);
        if (template === undefined) throw new GoError(`template: no template ${quote(name)} associated with template "${ROOT_NAME}"`);
        return runTemplate(layer.host, template, dot ?? undefined);
      }),
  };
}

interface SharedState {
  readonly options: TemplateSetOptions;
  readonly budget: Budget;
  readonly included: Map<string, number>;
  readonly depth: { value: number };
}

interface Layer {
  readonly host: ExecutionHost;
  add(name: string, text: string): void;
}

// `tpl` sees all templates and adds its own where nobody else sees them: a layer over the set it was called in.
function createLayer(shared: SharedState, below: ExecutionHost | undefined): Layer {
  const own = new Map<string, CompiledTemplate>();
  const host: ExecutionHost = {
    budget: shared.budget,
    missingKey: shared.options.missingKey ?? 'zero',
    get depth(): number {
      return shared.depth.value;
    },
    set depth(value: number) {
      shared.depth.value = value;
    },
    find: (name) => own.get(name) ?? below?.find(name),
    context: createContext(shared, () => host),
  };
  const add = (name: string, text: string): void => {
    for (const template of compiledFile(name, text, shared.options.functions)) {
      if (!template.isEmpty || host.find(template.name) === undefined) own.set(template.name, template);
    }
  };
  return { host, add };
}

function createContext(shared: SharedState, host: () => ExecutionHost): FunctionContext {
  return {
    environment: shared.options.environment,
    spend: (amount) => shared.budget.write(amount),
    include: (name, data) => include(shared, host(), name, data),
    tpl: (text, data) => runTpl(shared, host(), text, data),
  };
}

function include(shared: SharedState, host: ExecutionHost, name: string, data: GoValue): string {
  const active = shared.included.get(name) ?? 0;
  if (active > MAX_INCLUDES_OF_ONE_NAME) {
    throw new GoError(`rendering template has a nested reference name: ${name}: unable to execute template`, {
      cause: new GoError('unable to execute template'),
    });
  }
  const template = host.find(name);
  if (template === undefined) throw new GoError(`template: no template ${quote(name)} associated with template "${ROOT_NAME}"`);
  shared.included.set(name, active + 1);
  try {
    return runTemplate(host, template, data ?? undefined);
  } finally {
    shared.included.set(name, active);
  }
}

function runTpl(shared: SharedState, host: ExecutionHost, text: string, data: GoValue): string {
  if (!text.includes('{{')) return text.includes('<no value>') ? text.replaceAll('<no value>', '') : text;
  const templates = parsedTpl(shared, text);
  const [main] = templates.filter((template) => template.name === ROOT_NAME);
  let target = host;
  if (templates.length > 1) {
    const layer = createLayer(shared, host);
    layer.add(ROOT_NAME, text);
    target = layer.host;
  }
  if (main === undefined) return '';
  try {
    return runTemplate(target, main, data ?? undefined).replaceAll('<no value>', '');
  } catch (error) {
    if (error instanceof DomainError || !(error instanceof Error) || isStackOverflow(error)) throw error;
    throw new GoError(`error during tpl function execution for ${quote(text)}: ${error.message}`, { cause: error });
  }
}

function parsedTpl(shared: SharedState, text: string): readonly CompiledTemplate[] {
  try {
    return compiledFile(ROOT_NAME, text, shared.options.functions);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new GoError(`cannot parse template ${quote(text)}: ${error.message}`, { cause: error });
  }
}

function guarded(budget: Budget, work: () => string): string {
  try {
    return work();
  } catch (error) {
    if (!isStackOverflow(error)) throw error;
    const limit = budget.limits.depth;
    throw new BudgetError({ code: 'depth', limit }, 'template: render stopped: templates nested deeper than the stack allows; look for endless recursion', {
      cause: error,
    });
  }
}

interface CompiledCache {
  size: number;
  readonly files: Map<string, readonly CompiledTemplate[]>;
}

// Compiled templates hold no state of a render, so every set with the same functions shares them.
const caches = new WeakMap<FunctionTable, CompiledCache>();

function compiledFile(name: string, text: string, functions: FunctionTable): readonly CompiledTemplate[] {
  let cache = caches.get(functions);
  if (cache === undefined || cache.size > CACHE_LIMIT_CHARS) {
    cache = { size: 0, files: new Map() };
    caches.set(functions, cache);
  }
  const key = `${name}\u0000${text}`;
  const known = cache.files.get(key);
  if (known !== undefined) return known;
  const file = { name, text };
  const compiled = parseTemplates(name, text, (used) => functions.has(used)).map((tree) => compileTemplate(tree, file, functions));
  cache.files.set(key, compiled);
  cache.size += key.length;
  return compiled;
}
