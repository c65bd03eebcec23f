import type { Application, ApplicationSource } from '@tiphys/delivery-applications';

/** Where an application comes from, on one line. */
export function sourceText({ spec }: Application): string {
  const sources: readonly ApplicationSource[] =
    spec.sources !== undefined && spec.sources.length > 0 ? spec.sources : spec.source === undefined ? [] : [spec.source];
  return sources.map((source) => `${source.repoURL}${source.path === undefined ? '' : ` ${source.path}`} @ ${source.targetRevision ?? 'HEAD'}`).join(', ');
}
