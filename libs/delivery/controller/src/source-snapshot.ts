import { isRepoPermitted, type ApplicationSource, type AppProject } from '@tiphys/delivery-applications';
import { chartRevision } from '@tiphys/delivery-charts';
import { withSubmodules, type Repository, type Snapshot } from '@tiphys/delivery-git';
import { mustBeSigned } from './source-integrity.ts';
import type { Trust } from './trust.ts';

/** What sources are read with. */
export interface SourceSnapshotDeps {
  readonly openRepository: (repoURL: string, signal: AbortSignal) => Promise<Repository>;
  readonly trust: () => Trust;
}

/**
 * The files of a source at a fixed revision, submodules included where the project permits their repositories. A commit that the project's keys
 * did not sign is refused. Throws SourceError, DeliveryError.
 */
export async function sourceSnapshot(
  source: ApplicationSource,
  revision: string,
  { project, deps }: { readonly project: AppProject; readonly deps: SourceSnapshotDeps },
  signal: AbortSignal,
): Promise<Snapshot> {
  const repository = await deps.openRepository(source.repoURL, signal);
  if (source.chart !== undefined) return repository.snapshot(chartRevision(source.chart, revision), signal);
  await mustBeSigned(source, revision, { project, repository, trust: deps.trust() }, signal);
  return withSubmodules(await repository.snapshot(revision, signal), async (url, commit) => {
    if (!isRepoPermitted(project, url)) return undefined;
    return (await deps.openRepository(url, signal)).snapshot(commit, signal);
  });
}
