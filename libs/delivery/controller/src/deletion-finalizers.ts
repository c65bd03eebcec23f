import type { HookPhase } from '@tiphys/delivery-applications';

/** Finalizer that asks for the application's objects to be deleted with it; `/background` or `/foreground` choose how (types.go). */
export const CASCADE_FINALIZER = 'resources-finalizer.argocd.argoproj.io';

/** The finalizers of one kind of hook: the first until the hooks have run, the second until they have been cleaned up. */
export interface HookFinalizers {
  readonly phase: 'PreDelete' | 'PostDelete';
  readonly run: string;
  readonly cleanUp: string;
}

export const PRE_DELETE: HookFinalizers = finalizersOf('PreDelete', 'pre-delete-finalizer.argocd.argoproj.io');
export const POST_DELETE: HookFinalizers = finalizersOf('PostDelete', 'post-delete-finalizer.argocd.argoproj.io');

/** All finalizers of deletion hooks. */
export const DELETION_FINALIZERS: readonly string[] = [PRE_DELETE, POST_DELETE].flatMap(({ run, cleanUp }) => [run, cleanUp]);

function finalizersOf(phase: HookFinalizers['phase'], name: string): HookFinalizers {
  return { phase, run: name, cleanUp: `${name}/cleanup` };
}

/** The finalizers an application with hooks of these phases needs; undefined when it has them. */
export function withHookFinalizers(finalizers: readonly string[], phases: ReadonlySet<HookPhase>): readonly string[] | undefined {
  const needed = [PRE_DELETE, POST_DELETE].filter(({ phase }) => phases.has(phase)).flatMap(({ run, cleanUp }) => [run, cleanUp]);
  const kept = finalizers.filter((name) => !DELETION_FINALIZERS.includes(name) || needed.includes(name));
  const wanted = [...kept, ...needed.filter((name) => !kept.includes(name))];
  return wanted.length === finalizers.length && wanted.every((name) => finalizers.includes(name)) ? undefined : wanted;
}

/** How the objects of a deleted application go; undefined when they stay. */
export function cascadePolicy(finalizers: readonly string[]): 'Foreground' | 'Background' | undefined {
  const found = finalizers.find((name) => name === CASCADE_FINALIZER || name.startsWith(`${CASCADE_FINALIZER}/`));
  if (found === undefined) return undefined;
  return found === `${CASCADE_FINALIZER}/background` ? 'Background' : 'Foreground';
}
