import type { PathElement } from '@tiphys/kube-patch';
import type { ChangeCause } from './cause.ts';

/** Who holds a live value, and since when. */
export interface ChangeOwner {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly time?: string;
}

/** One place where applying what Git wants would change what lives. */
export interface Change {
  /** The place as a person reads it: `.spec.containers[name="web"].image`; empty for the whole object. */
  readonly path: string;
  readonly elements: readonly PathElement[];
  /** `added`: would appear · `removed`: would go · `changed`: would get another value. */
  readonly kind: 'added' | 'removed' | 'changed';
  readonly desired?: unknown;
  readonly live?: unknown;
  readonly owner?: ChangeOwner;
  readonly cause: ChangeCause;
}

/** Makes a keyed digest of a secret value: equal values look equal, nothing else shows. */
export type Digest = (value: string) => string;
