import { sourcesOf, type ApplicationSource, type ApplicationSpec } from '@tiphys/delivery-applications';
import { isChartVersion, resolveChartRevision } from '@tiphys/delivery-charts';
import { isCommit, SourceError, type RepositoryPoller } from '@tiphys/delivery-git';
import { redactUrl } from '@tiphys/kernel';
import { DeliveryError } from './delivery-error.ts';
import { resolveGitRevision } from './git-revision.ts';

/** Whether a revision names one state of a source for ever: a commit, or the exact version of a chart. */
export function isFixedRevision(source: ApplicationSource, revision: string): boolean {
  return source.chart === undefined ? isCommit(revision) : isChartVersion(revision);
}

/** The commits and chart versions the sources stand for now, by what the poller saw last. Throws SourceError, or DeliveryError `notReady` before the first poll. */
export function resolveSources(sources: readonly ApplicationSource[], deps: { readonly poller: Pick<RepositoryPoller, 'state'> }): readonly string[] {
  return sources.map((source) => {
    const { repoURL, chart, targetRevision = '' } = source;
    if (isFixedRevision(source, targetRevision)) return targetRevision;
    const state = deps.poller.state(repoURL);
    if (state?.refs === undefined) {
      if (state?.error !== undefined) throw new DeliveryError({ code: 'renderIncomplete' }, state.error);
      throw new DeliveryError({ code: 'notReady' }, `repository ${redactUrl(repoURL)}: not looked at yet`);
    }
    if (chart === undefined) return resolveGitRevision(state.refs, source);
    const version = resolveChartRevision(state.refs, chart, targetRevision);
    if (version !== undefined) return version;
    const remote = redactUrl(repoURL);
    throw new SourceError(
      { code: 'revisionNotFound', remote, revision: targetRevision },
      `repository ${remote}: no version of chart ${chart} satisfies '${targetRevision}'`,
    );
  });
}

/** The sources of an application, at other revisions where some are given. */
export function sourcesAt(spec: ApplicationSpec, revisions: readonly string[] | undefined): readonly ApplicationSource[] {
  return sourcesOf(spec).map((source, index) => {
    const targetRevision = revisions?.[index] ?? '';
    return targetRevision === '' ? source : { ...source, targetRevision };
  });
}

/** The commits sources stand for where they are known, else their names: the run resolves those itself. */
export function currentRevisions(sources: readonly ApplicationSource[], deps: { readonly poller: Pick<RepositoryPoller, 'state'> }): readonly string[] {
  return sources.map((source) => {
    try {
      return resolveSources([source], deps)[0] ?? '';
    } catch {
      return source.targetRevision ?? ''; // Whatever is wrong with it, the run will say.
    }
  });
}
