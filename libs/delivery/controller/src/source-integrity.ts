import { isRepoPermitted, type ApplicationSource, type AppProject, type SourcePolicy } from '@tiphys/delivery-applications';
import { verifyCommit, type Repository } from '@tiphys/delivery-git';
import { redactUrl } from '@tiphys/kernel';
import { DeliveryError } from './delivery-error.ts';
import type { Trust } from './trust.ts';

/** Whether a project takes only signed sources from anywhere (`signatureKeys`, `sourceIntegrity`). */
export function demandsSignatures({ spec }: AppProject): boolean {
  return (spec.signatureKeys ?? []).length > 0 || policiesOf(spec).some(({ gpg }) => gpg?.mode !== 'none');
}

/**
 * Refuses a commit that no key of the project signed (argo-cd docs/user-guide/gpg-verification.md, source-integrity.md). Charts and projects
 * that ask for nothing pass. Keys are OpenPGP key ids, or SHA-256 fingerprints of SSH keys. Throws DeliveryError `renderIncomplete`.
 */
export async function mustBeSigned(
  source: ApplicationSource,
  commit: string,
  deps: { readonly project: AppProject; readonly repository: Repository; readonly trust: Trust },
  signal: AbortSignal,
): Promise<void> {
  if (source.chart !== undefined) return;
  const project = deps.project.metadata.name ?? '';
  const place = `repository ${redactUrl(source.repoURL)}: commit ${commit.slice(0, 7)}`;
  const demands = demandsOf(deps.project, source.repoURL);
  if (demands.length === 0) return;
  const signed = await deps.repository.signedCommit?.(commit, signal);
  if (signed === undefined) throw refused(`${place}: cannot be checked for a signature`);
  const verdict = await verifyCommit(signed, { gpg: Object.values(deps.trust.gpgKeys), ssh: deps.trust.sshSigners });
  if (verdict.kind === 'unsigned') throw refused(`${place}: is not signed, but project '${project}' requires signatures`);
  if (verdict.kind === 'untrusted') throw refused(`${place}: ${verdict.reason}`);
  const { signer } = verdict;
  // Long ids end with the short ones people write.
  const isListed = (keys: readonly string[]): boolean => keys.some((key) => signer === key || signer.endsWith(key.toUpperCase()));
  if (!demands.every(isListed)) throw refused(`${place}: is signed by ${signer}, which project '${project}' does not list`);
}

function policiesOf(spec: AppProject['spec']): readonly SourcePolicy[] {
  return spec.sourceIntegrity?.git?.policies ?? [];
}

// Each list must hold the signer. A repository that no policy names is free.
function demandsOf(project: AppProject, repoURL: string): readonly (readonly string[])[] {
  const { spec } = project;
  const demands: (readonly string[])[] = [];
  const legacy = (spec.signatureKeys ?? []).map(({ keyID }) => keyID);
  if (legacy.length > 0) demands.push(legacy);
  for (const { repos, gpg } of policiesOf(spec)) {
    if (gpg?.mode === 'none' || !isRepoPermitted({ spec: { sourceRepos: (repos ?? []).map(({ url = '' }) => url) } }, repoURL)) continue;
    // Only the newest commit is looked at; where all of them must be signed, that is not enough.
    if (gpg?.mode !== 'head')
      throw refused(`project '${project.metadata.name ?? ''}': sourceIntegrity mode '${gpg?.mode ?? ''}' is not supported; 'head' and 'none' are`);
    demands.push(gpg.keys ?? []);
  }
  return demands;
}

function refused(message: string): DeliveryError {
  return new DeliveryError({ code: 'renderIncomplete' }, message);
}
