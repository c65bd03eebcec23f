import { isDnsLabel, isDnsSubdomain } from '@tiphys/kube-model';
import { add, exactly, LIST_COST, scale, STRUCT_COST, TRAVERSAL, type Range } from '../estimate.ts';
import { overloads, type Overload, type OverloadBody } from '../overload.ts';
import { CelError, noSuchOverload } from '../problem.ts';
import { sizeOf, type CelOpaque, type CelValue } from '../value.ts';
import { constantCost, sizeAt, type CostRule } from './cost-rules.ts';

/** A question of an expression to the authorizer. */
export interface AuthorizationQuery {
  /** Whose rights; undefined: those of the request's user. */
  readonly serviceAccount: { readonly namespace: string; readonly name: string } | undefined;
  readonly path?: string;
  readonly group?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
}

/** Answers what an expression asks. */
export type Authorize = (query: AuthorizationQuery, verb: string) => { readonly allowed: boolean; readonly reason: string; readonly error?: string };

class CelCheck implements CelOpaque {
  readonly typeName: string;
  readonly authorize: Authorize;
  readonly query: AuthorizationQuery;

  constructor(form: 'Authorizer' | 'PathCheck' | 'GroupCheck' | 'ResourceCheck', authorize: Authorize, query: AuthorizationQuery) {
    this.typeName = `kubernetes.authorization.${form}`;
    this.authorize = authorize;
    this.query = query;
  }

  equals(other: CelValue): boolean {
    return other instanceof CelCheck && other.typeName === this.typeName && JSON.stringify(other.query) === JSON.stringify(this.query);
  }
}

class CelDecision implements CelOpaque {
  readonly typeName = 'kubernetes.authorization.Decision';
  readonly decision: ReturnType<Authorize>;

  constructor(decision: ReturnType<Authorize>) {
    this.decision = decision;
  }

  equals(other: CelValue): boolean {
    return other instanceof CelDecision && JSON.stringify(other.decision) === JSON.stringify(this.decision);
  }
}

/** The value of the variable `authorizer`. */
export function authorizerValue(authorize: Authorize): CelOpaque {
  return new CelCheck('Authorizer', authorize, { serviceAccount: undefined });
}

/**
 * The value of `authorizer.requestResource`: a check of the resource the request is about.
 */
export function resourceCheckValue(authorize: Authorize, query: Omit<AuthorizationQuery, 'serviceAccount'>): CelOpaque {
  return new CelCheck('ResourceCheck', authorize, { serviceAccount: undefined, ...query });
}

function must(value: CelValue | undefined): CelCheck {
  if (!(value instanceof CelCheck)) throw noSuchOverload();
  return value;
}

function mustDecision(value: CelValue | undefined): ReturnType<Authorize> {
  if (!(value instanceof CelDecision)) throw noSuchOverload();
  return value.decision;
}

// A check like the one given, with more said.
function narrow(form: 'PathCheck' | 'GroupCheck' | 'ResourceCheck', key: keyof AuthorizationQuery, required: boolean): OverloadBody['run'] {
  return ([check, value]) => {
    const { authorize, query } = must(check);
    const text = String(value);
    if (required && text.trim() === '') throw new CelError(`${key} must not be empty`);
    return new CelCheck(form, authorize, { ...query, [key]: text });
  };
}

function serviceAccount([check, namespace, name]: readonly CelValue[]): CelValue {
  if (!isDnsSubdomain(String(name))) throw new CelError('Invalid service account name');
  if (!isDnsLabel(String(namespace))) throw new CelError('Invalid service account namespace');
  return new CelCheck('Authorizer', must(check).authorize, { serviceAccount: { namespace: String(namespace), name: String(name) } });
}

// Room for two checks within the limit of one call.
const CHECK_COST = 350_000;

const selectorCost = (length: Range): Range => add(exactly(LIST_COST), scale(length, TRAVERSAL), scale(scale(length, 0.5), LIST_COST + STRUCT_COST));
const SELECTOR: CostRule = {
  cost: ([, text = '']) => selectorCost(exactly(sizeOf(text))).max,
  estimate: (args) => ({ cost: selectorCost(sizeAt(args, 1)) }),
};
const one = (run: OverloadBody['run']): OverloadBody => ({ ...constantCost(1), run });

/** Kubernetes' functions of the authorizer (apiserver pkg/cel/library/authz.go). */
export const AUTHORIZERS: readonly Overload[] = [
  ...overloads('path', ['Authorizer.(string): PathCheck'], one(narrow('PathCheck', 'path', true))),
  ...overloads('group', ['Authorizer.(string): GroupCheck'], one(narrow('GroupCheck', 'group', false))),
  ...overloads('serviceAccount', ['Authorizer.(string, string): Authorizer'], one(serviceAccount)),
  ...overloads('resource', ['GroupCheck.(string): ResourceCheck'], one(narrow('ResourceCheck', 'resource', true))),
  ...overloads('subresource', ['ResourceCheck.(string): ResourceCheck'], one(narrow('ResourceCheck', 'subresource', false))),
  ...overloads('namespace', ['ResourceCheck.(string): ResourceCheck'], one(narrow('ResourceCheck', 'namespace', false))),
  ...overloads('name', ['ResourceCheck.(string): ResourceCheck'], one(narrow('ResourceCheck', 'name', false))),
  ...overloads('fieldSelector', ['ResourceCheck.(string): ResourceCheck'], { ...SELECTOR, run: narrow('ResourceCheck', 'fieldSelector', false) }),
  ...overloads('labelSelector', ['ResourceCheck.(string): ResourceCheck'], { ...SELECTOR, run: narrow('ResourceCheck', 'labelSelector', false) }),
  ...overloads('check', ['PathCheck.(string): Decision', 'ResourceCheck.(string): Decision'], {
    ...constantCost(CHECK_COST),
    run: ([check, verb]) => new CelDecision(must(check).authorize(must(check).query, String(verb))),
  }),
  ...overloads(
    'allowed',
    ['Decision.(): bool'],
    one(([decision]) => mustDecision(decision).allowed),
  ),
  ...overloads(
    'reason',
    ['Decision.(): string'],
    one(([decision]) => mustDecision(decision).reason),
  ),
  ...overloads(
    'errored',
    ['Decision.(): bool'],
    one(([decision]) => mustDecision(decision).error !== undefined),
  ),
  ...overloads(
    'error',
    ['Decision.(): string'],
    one(([decision]) => mustDecision(decision).error ?? ''),
  ),
];
