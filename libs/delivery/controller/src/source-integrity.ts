import type { ApplicationSource, AppProject } from '@tiphys/delivery-applications';
import { verifyCommit, type Repository } from '@tiphys/delivery-git';
import { redactUrl } from '@tiphys/kernel';
import { DeliveryError } from './delivery-error.ts';
import type { Trust } from './trust.ts';

/**
 * Refuses a commit that no key of the project signed (argo-cd docs/user-guide/gpg-verification.md). A project without `signatureKeys` asks for
 * nothing. Keys are OpenPGP key ids, or SHA-256 fingerprints of SSH keys. Throws DeliveryError `renderIncomplete`.
 */
export async function mustBeSigned(
  source: ApplicationSource,
  commit: string,
  deps: { readonly project: AppProject; readonly repository: Repository; readonly trust: Trust },
  signal: AbortSignal,
): Promise<void> {
  const wanted = (deps.project.spec.signatureKeys ?? []).map(({ keyID }) => keyID);
  if (wanted.length === 0 || source.chart !== undefined) return;
  const place = `repository ${redactUrl(source.repoURL)}: commit ${commit.slice(0, 7)}`;
  const signed = await deps.repository.signedCommit?.(commit, signal);
  if (signed === undefined) throw refused(`${place}: cannot be checked for a signature`);
  const verdict = await verifyCommit(signed, { gpg: Object.values(deps.trust.gpgKeys), ssh: deps.trust.sshSigners });
  if (verdict.kind === 'unsigned') throw refused(`${place}: is not signed, but project '${deps.project.metadata.name ?? ''}' requires signatures`);
  if (verdict.kind === 'untrusted') throw refused(`${place}: ${verdict.reason}`);
  // Long ids end with the short ones people write.
  if (!wanted.some((key) => verdict.signer === key || verdict.signer.endsWith(key.toUpperCase())))
    throw refused(`${place}: is signed by ${verdict.signer}, which project '${deps.project.metadata.name ?? ''}' does not list`);
}

function refused(message: string): DeliveryError {
  return new DeliveryError({ code: 'renderIncomplete' }, message);
}
