import { DomainError } from '@tiphys/kernel';
import type { KubeObject } from '@tiphys/kube-model';

/** A value that an action asks for. */
export interface ActionParameter {
  readonly name: string;
  readonly default?: string;
}

/** What can be done with an object beyond applying and deleting it. */
export interface ResourceAction {
  readonly name: string;
  /** Offered, but not in the state that the object is in. */
  readonly disabled?: boolean;
  readonly displayName?: string;
  /** Classes of a Font Awesome icon, as Argo CD's console takes them. */
  readonly iconClass?: string;
  readonly params?: readonly ActionParameter[];
}

/** One deed of an action: the object as it is to become, or one that is to be made. */
export interface ActionOperation {
  readonly kind: 'patch' | 'create';
  readonly object: KubeObject;
}

/** What an action is done with. */
export interface ActionContext {
  readonly parameters: Readonly<Record<string, string>>;
  /** RFC 3339, to the second. */
  readonly now: string;
  /** The product's name, for words that stay on objects. */
  readonly agent: string;
}

/** Thrown when an action cannot be done. */
export class ActionError extends DomainError<
  /** The kind has no such action. */
  | { readonly code: 'unknownAction'; readonly action: string }
  /** A parameter is missing or is not what the action needs. */
  | { readonly code: 'invalidParameter'; readonly parameter: string }
  /** A user's script gave back what is no operation. */
  | { readonly code: 'invalidScript'; readonly action: string }
> {
  override readonly name = 'ActionError';
}

/** An action as the rule for a kind describes it. */
export interface ActionDefinition {
  readonly name: string;
  readonly displayName?: string;
  readonly iconClass?: string;
  readonly params?: (live: KubeObject) => readonly ActionParameter[];
  /** Absent: always offered. */
  readonly isOffered?: (live: KubeObject) => boolean;
  /** Absent: never disabled. */
  readonly isDisabled?: (live: KubeObject) => boolean;
  /** Pure: what it would do. Throws ActionError `invalidParameter`. */
  readonly perform: (live: KubeObject, context: ActionContext) => readonly ActionOperation[];
}

/** Actions by `<group>/<kind>`. */
export type ActionTable = Readonly<Record<string, readonly ActionDefinition[]>>;
