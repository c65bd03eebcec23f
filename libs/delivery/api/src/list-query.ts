import { matchesSelector, parseLabelSelector, isSelectorProblem, type Selector } from '@tiphys/kube-model';
import { sourcesOf, type Application } from '@tiphys/delivery-applications';
import { ApiError } from './api-error.ts';
import type { ListFacets } from './wire.ts';

/** What a list of applications selects, in which order, and which page of it. */
export interface ListQuery {
  readonly search: string;
  readonly filters: Readonly<Record<keyof ListFacets, readonly string[]>>;
  readonly selector: Selector;
  readonly sort: SortKey;
  readonly descending: boolean;
  readonly offset: number;
  readonly limit: number;
}

/** Columns a list can be sorted by; `attention` puts what needs a person first. */
type SortKey = 'attention' | 'name' | 'sync' | 'health' | 'project' | 'namespace' | 'lastSync' | 'created';

const SORT_KEYS: readonly SortKey[] = ['attention', 'name', 'sync', 'health', 'project', 'namespace', 'lastSync', 'created'];
const FACETS: readonly (keyof ListFacets)[] = ['sync', 'health', 'project', 'namespace', 'repo'];
const MAX_PAGE = 1_000;
const DEFAULT_PAGE = 100;

/** Reads the query string of a list. Throws ApiError `invalid`. */
export function parseListQuery(query: URLSearchParams): ListQuery {
  const selector = parseLabelSelector(query.get('selector') ?? '');
  if (isSelectorProblem(selector)) throw new ApiError({ code: 'invalid' }, `selector: ${selector.message}`);
  const sort = query.get('sort') ?? 'attention';
  const key = SORT_KEYS.find((known) => known === sort);
  if (key === undefined) throw new ApiError({ code: 'invalid' }, `sort: "${sort}" is none of ${SORT_KEYS.join(', ')}`);
  const many = (name: string): readonly string[] =>
    query
      .getAll(name)
      .flatMap((value) => value.split(','))
      .filter((value) => value !== '');
  return {
    search: (query.get('search') ?? '').toLowerCase(),
    filters: {
      sync: many('sync'),
      health: many('health'),
      project: [...many('project'), ...many('projects')],
      namespace: many('namespace'),
      repo: [...many('repo')],
    },
    selector,
    sort: key,
    descending: query.get('order') === 'desc',
    offset: wholeNumber(query, 'offset', 0, Number.MAX_SAFE_INTEGER),
    limit: wholeNumber(query, 'limit', DEFAULT_PAGE, MAX_PAGE),
  };
}

function wholeNumber(query: URLSearchParams, name: string, fallback: number, max: number): number {
  const text = query.get(name);
  if (text === null) return fallback;
  if (!/^\d{1,15}$/.test(text)) throw new ApiError({ code: 'invalid' }, `${name}: must be a whole number`);
  return Math.min(Number(text), max);
}

/** A page of the applications a query selects, with counts over the whole selection. */
export interface ListPage {
  readonly items: readonly Application[];
  readonly total: number;
  readonly facets: ListFacets;
}

/**
 * Filters, sorts and pages. A facet counts over everything its own filter does not exclude, so that a person sees what
 * choosing another value would bring.
 */
export function selectApplications(applications: readonly Application[], query: ListQuery): ListPage {
  const base = applications.filter((application) => matchesSelector(query.selector, application.metadata.labels) && matchesSearch(application, query.search));
  const matching = base.filter((application) => FACETS.every((facet) => passes(application, facet, query)));
  const facets = Object.fromEntries(
    FACETS.map((facet) => [
      facet,
      countBy(
        base.filter((application) => FACETS.every((other) => other === facet || passes(application, other, query))),
        facet,
      ),
    ]),
  );
  const sorted = matching.toSorted(comparator(query));
  // Built from the list of its keys just above.
  return { items: sorted.slice(query.offset, query.offset + query.limit), total: matching.length, facets: facets as unknown as ListFacets };
}

function matchesSearch(application: Application, search: string): boolean {
  if (search === '') return true;
  const texts = [
    application.metadata.name ?? '',
    application.spec.project,
    application.spec.destination.namespace ?? '',
    ...sourcesOf(application.spec).map((source) => source.repoURL),
  ];
  return texts.some((text) => text.toLowerCase().includes(search));
}

function passes(application: Application, facet: keyof ListFacets, query: ListQuery): boolean {
  const wanted = query.filters[facet];
  return wanted.length === 0 || facetValues(application, facet).some((value) => wanted.includes(value));
}

function facetValues(application: Application, facet: keyof ListFacets): readonly string[] {
  switch (facet) {
    case 'sync':
      return [application.status?.sync?.status ?? 'Unknown'];
    case 'health':
      return [application.status?.health?.status ?? 'Unknown'];
    case 'project':
      return [application.spec.project];
    case 'namespace':
      return [application.spec.destination.namespace ?? ''];
    case 'repo':
      return sourcesOf(application.spec).map((source) => source.repoURL);
  }
}

function countBy(applications: readonly Application[], facet: keyof ListFacets): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const value of applications.flatMap((application) => facetValues(application, facet))) counts.set(value, (counts.get(value) ?? 0) + 1);
  return Object.fromEntries([...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

const HEALTH_RANK: readonly string[] = ['Degraded', 'Missing', 'Unknown', 'Progressing', 'Suspended', 'Healthy'];
const SYNC_RANK: readonly string[] = ['OutOfSync', 'Unknown', 'Synced'];

function comparator(query: ListQuery): (a: Application, b: Application) => number {
  const sign = query.descending ? -1 : 1;
  return (a, b) => {
    const order = compare(sortValue(a, query.sort), sortValue(b, query.sort));
    return order === 0 ? compare(a.metadata.name ?? '', b.metadata.name ?? '') : sign * order;
  };
}

function sortValue(application: Application, key: SortKey): string | number {
  const { status, spec, metadata } = application;
  const health = HEALTH_RANK.indexOf(status?.health?.status ?? 'Unknown');
  const sync = SYNC_RANK.indexOf(status?.sync?.status ?? 'Unknown');
  switch (key) {
    case 'attention':
      return Math.min(health, status?.operationState?.phase === 'Failed' || status?.operationState?.phase === 'Error' ? 1 : health) * 10 + sync;
    case 'health':
      return health;
    case 'sync':
      return sync;
    case 'name':
      return metadata.name ?? '';
    case 'project':
      return spec.project;
    case 'namespace':
      return spec.destination.namespace ?? '';
    case 'lastSync':
      return status?.operationState?.finishedAt ?? status?.operationState?.startedAt ?? '';
    case 'created':
      return metadata.creationTimestamp ?? '';
  }
}

function compare(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
