import type { ApplicationSource, AppProject } from '@tiphys/delivery-applications';
import { fieldAt } from '@tiphys/kube-model';
import { DeliveryError } from './delivery-error.ts';

/** Checks that a source at a commit is signed as its project demands; why it is not, or undefined when it is. */
export type VerifySource = (project: AppProject, source: ApplicationSource, revision: string, signal: AbortSignal) => Promise<string | undefined>;

/** Whether a project takes only signed sources (`signatureKeys`, `sourceIntegrity`). */
export function demandsSignatures({ spec }: AppProject): boolean {
  const policies: unknown = fieldAt(spec.sourceIntegrity, 'git', 'policies');
  return (spec.signatureKeys ?? []).length > 0 || (Array.isArray(policies) && policies.length > 0);
}

/**
 * Throws DeliveryError `invalidSpec` when a source is not signed as its project demands, also when nobody here can tell: what cannot
 * be verified is never deployed.
 */
export async function mustBeSigned(
  project: AppProject,
  sources: readonly ApplicationSource[],
  revisions: readonly string[],
  verify: VerifySource | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (!demandsSignatures(project)) return;
  for (const [index, source] of sources.entries()) {
    const problem = verify === undefined ? 'signatures cannot be verified by this controller' : await verify(project, source, revisions[index] ?? '', signal);
    if (problem !== undefined)
      throw new DeliveryError({ code: 'invalidSpec' }, `project '${project.metadata.name ?? ''}' takes only signed sources: ${source.repoURL}: ${problem}`);
  }
}
