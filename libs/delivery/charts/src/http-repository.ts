import { createHash } from 'node:crypto';
import { fieldAt, isJsonObject } from '@tiphys/kube-model';
import { redactUrl } from '@tiphys/kernel';
import { parseDocuments } from '@tiphys/kube-yaml';
import { ChartError } from './chart-error.ts';
import type { ChartRepository } from './chart-repository.ts';
import { authorization, httpGet, refusal, type ChartAccess } from './http-get.ts';
import { checkProvenance } from './provenance.ts';
import type { ChartVersion } from './versions.ts';

const PROVENANCE_BYTES = 1024 * 1024;
const INDEX_BYTES = 100 * 1024 * 1024;
/** Bytes of one packed chart. */
export const ARCHIVE_BYTES: number = 50 * 1024 * 1024;

type Index = ReadonlyMap<string, readonly ChartVersion[]>;

/** A classic chart repository: an `index.yaml` and archives beside it. */
export class HttpChartRepository implements ChartRepository {
  readonly url: string;
  readonly #access: ChartAccess;
  #known: { readonly etag: string | undefined; readonly index: Index } | undefined;

  constructor(url: string, access: ChartAccess) {
    this.url = url.replace(/\/+$/, '');
    this.#access = access;
  }

  async charts(signal: AbortSignal): Promise<Index> {
    const answer = await httpGet({
      url: `${this.url}/index.yaml`,
      headers: { ...authorization(this.#access), ...(this.#known?.etag === undefined ? {} : { 'if-none-match': this.#known.etag }) },
      limitBytes: INDEX_BYTES,
      insecure: this.#access.insecure,
      signal,
    });
    if (answer.status === 304 && this.#known !== undefined) return this.#known.index;
    if (answer.status !== 200) throw refusal(answer.status, redactUrl(this.url));
    const index = parseIndex(new TextDecoder().decode(answer.body), redactUrl(this.url));
    const { etag } = answer.headers;
    this.#known = { index, etag: typeof etag === 'string' ? etag : undefined };
    return index;
  }

  async versions(chart: string, signal: AbortSignal): Promise<readonly ChartVersion[]> {
    return (await this.charts(signal)).get(chart) ?? [];
  }

  async archive(chart: string, { version, urls, digest }: ChartVersion, signal: AbortSignal): Promise<Uint8Array> {
    const repository = redactUrl(this.url);
    const [first] = urls;
    if (first === undefined) throw new ChartError({ code: 'malformed', repository }, `${repository}: ${chart} ${version} names no archive`);
    const url = new URL(first, `${this.url}/`);
    if (url.protocol !== 'http:' && url.protocol !== 'https:')
      throw new ChartError({ code: 'malformed', repository }, `${repository}: ${chart} ${version} is kept at an address that is no http(s) URL`);
    const isOwnHost = url.host === new URL(this.url).host;
    const answer = await httpGet({
      url: url.href,
      headers: isOwnHost ? authorization(this.#access) : {},
      limitBytes: ARCHIVE_BYTES,
      insecure: this.#access.insecure,
      signal,
    });
    if (answer.status !== 200) throw refusal(answer.status, redactUrl(url.href));
    if (digest !== undefined && createHash('sha256').update(answer.body).digest('hex') !== digest.replace(/^sha256:/, '')) {
      throw new ChartError({ code: 'digestMismatch', repository, chart }, `${repository}: ${chart} ${version}: the archive is not the one the index promises`);
    }
    if (this.#access.provenanceKeys !== undefined) await this.#checkProvenance(chart, url, answer.body, this.#access.provenanceKeys, signal);
    return answer.body;
  }

  async #checkProvenance(chart: string, url: URL, archive: Uint8Array, keys: string, signal: AbortSignal): Promise<void> {
    const isOwnHost = url.host === new URL(this.url).host;
    const headers = isOwnHost ? authorization(this.#access) : {};
    const answer = await httpGet({ url: `${url.href}.prov`, headers, limitBytes: PROVENANCE_BYTES, insecure: this.#access.insecure, signal });
    const repository = redactUrl(this.url);
    if (answer.status !== 200)
      throw new ChartError({ code: 'notTrusted', repository, chart }, `${repository}: ${chart} has no provenance file (${answer.status})`);
    const fileName = decodeURIComponent(url.pathname.split('/').at(-1) ?? '');
    await checkProvenance({ repository, chart, fileName, archive, keys, provenance: new TextDecoder().decode(answer.body) });
  }
}

function parseIndex(text: string, repository: string): Index {
  const { values, problems } = parseDocuments(text, { source: `${repository}/index.yaml`, limits: { maxBytes: INDEX_BYTES } });
  const entries = fieldAt(values[0]?.value, 'entries');
  if (problems.length > 0 || !isJsonObject(entries))
    throw new ChartError(
      { code: 'malformed', repository },
      `${repository}: index.yaml is not an index of charts${problems[0] === undefined ? '' : `: ${problems[0].message}`}`,
    );
  return new Map(Object.entries(entries).map(([chart, versions]) => [chart, Array.isArray(versions) ? versions.flatMap(toVersion) : []]));
}

function toVersion(entry: unknown): readonly ChartVersion[] {
  const version = fieldAt(entry, 'version');
  const urls = fieldAt(entry, 'urls');
  const digest = fieldAt(entry, 'digest');
  if (typeof version !== 'string') return [];
  return [
    {
      version,
      urls: Array.isArray(urls) ? urls.filter((url) => typeof url === 'string') : [],
      ...(typeof digest === 'string' && digest !== '' ? { digest } : {}),
    },
  ];
}
