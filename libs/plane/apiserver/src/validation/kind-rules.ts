import { deepEqual, fieldAt, type KubeObject } from '@tiphys/kube-model';
import { draftAs, type Draft } from '../draft.ts';
import { problem, type FieldProblem } from '../failures.ts';
import { table, type Row } from './rows.ts';

/** The rules of one kind. */
export interface KindRules {
  /** What holds for every state of the object. */
  readonly always?: (object: Draft, problems: FieldProblem[]) => void;
  /** What holds for a new object only. */
  readonly onCreate?: (object: Draft, problems: FieldProblem[]) => void;
  /** What a change may do. */
  readonly onUpdate?: (object: Draft, live: Draft, problems: FieldProblem[]) => void;
  /** What a change of the status may do; rules of the whole object do not hold for it. */
  readonly onStatus?: (object: Draft, live: Draft, problems: FieldProblem[]) => void;
}

/** A kind's rules as they are written down: rows, further rules over its type, and what never changes. */
export interface KindTable<T extends KubeObject> {
  readonly rows?: readonly Row[];
  readonly check?: (object: T, problems: FieldProblem[]) => void;
  readonly create?: (object: T, problems: FieldProblem[]) => void;
  readonly update?: (object: T, live: T, problems: FieldProblem[]) => void;
  readonly status?: (object: T, live: T, problems: FieldProblem[]) => void;
  /** Paths whose values never change. */
  readonly immutable?: readonly string[];
}

const IMMUTABLE = 'field is immutable';

/** Makes the rules of a kind from its table. */
export function kindRules<T extends KubeObject>(of: KindTable<T>): KindRules {
  const rows = of.rows === undefined ? undefined : table(of.rows);
  const { check, create, update, status, immutable = [] } = of;
  const as = (draft: Draft): T => draftAs<T>(draft) as T; // Mutable<T> is a T to readers.
  return {
    always: (object, problems) => {
      rows?.(object, '', problems);
      check?.(as(object), problems);
    },
    ...(create === undefined ? {} : { onCreate: (object: Draft, problems: FieldProblem[]) => create(as(object), problems) }),
    onUpdate: (object, live, problems) => {
      for (const path of immutable) checkUnchanged(object, live, path, problems);
      update?.(as(object), as(live), problems);
    },
    ...(status === undefined ? {} : { onStatus: (object: Draft, live: Draft, problems: FieldProblem[]) => status(as(object), as(live), problems) }),
  };
}

/** Adds a problem when the value at a path is not what it was. */
export function checkUnchanged(object: unknown, live: unknown, path: string, problems: FieldProblem[], detail: string = IMMUTABLE): void {
  const steps = path.split('.');
  const now = fieldAt(object, ...steps);
  if (!deepEqual(now, fieldAt(live, ...steps))) problems.push(problem.invalid(path, now ?? null, detail));
}
