import { createHash } from 'node:crypto';
import { fieldAt } from '@tiphys/kube-model';
import { ChartError } from './chart-error.ts';
import type { ChartRepository } from './chart-repository.ts';
import { authorization, httpGet, refusal, type ChartAccess, type HttpAnswer } from './http-get.ts';
import { ARCHIVE_BYTES } from './http-repository.ts';
import { checkProvenance } from './provenance.ts';
import type { ChartVersion } from './versions.ts';

const MANIFEST_BYTES = 4 * 1024 * 1024;
const MANIFEST_TYPES = 'application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json';
const CHART_LAYER = 'application/vnd.cncf.helm.chart.content.v1.tar+gzip';
const PROVENANCE_LAYER = 'application/vnd.cncf.helm.chart.provenance.v1.prov';
const MAX_TAG_PAGES = 50;

interface SignedLayers {
  readonly chart: string;
  readonly version: string;
  readonly layers: unknown;
  readonly archive: Uint8Array;
  readonly keys: string;
}

/** Charts in an OCI registry (distribution spec v1.1): tags are versions, `+` written as `_`. */
export class OciChartRepository implements ChartRepository {
  readonly url: string;
  readonly #base: string;
  readonly #prefix: string;
  readonly #access: ChartAccess;
  #token: string | undefined;

  /** `url` is `oci://host[:port]/path`, or the same without a scheme. Plain HTTP is spoken with loopback registries and when `insecure`. */
  constructor(url: string, access: ChartAccess) {
    this.url = url;
    this.#access = access;
    const [host = '', ...path] = url
      .replace(/^oci:\/\//, '')
      .replace(/\/+$/, '')
      .split('/');
    const isPlain = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(host);
    this.#base = `${isPlain ? 'http' : 'https'}://${host}/v2`;
    this.#prefix = path.join('/');
  }

  async versions(chart: string, signal: AbortSignal): Promise<readonly ChartVersion[]> {
    const tags: string[] = [];
    let next: string | undefined = `${this.#base}/${this.#nameOf(chart)}/tags/list?n=1000`;
    for (let page = 0; next !== undefined && page < MAX_TAG_PAGES; page += 1) {
      const answer: HttpAnswer = await this.#get(next, chart, signal);
      if (answer.status === 404) return [];
      if (answer.status !== 200) throw refusal(answer.status, this.url);
      const list = fieldAt(parseJson(answer.body, this.url), 'tags');
      if (Array.isArray(list)) tags.push(...list.filter((tag) => typeof tag === 'string'));
      next = nextPage(answer);
    }
    return tags.map((tag) => ({ version: tag.replaceAll('_', '+'), urls: [] }));
  }

  async archive(chart: string, { version }: ChartVersion, signal: AbortSignal): Promise<Uint8Array> {
    const name = this.#nameOf(chart);
    const manifest = await this.#get(`${this.#base}/${name}/manifests/${version.replaceAll('+', '_')}`, chart, signal, MANIFEST_TYPES);
    if (manifest.status === 404)
      throw new ChartError({ code: 'versionNotFound', repository: this.url, chart, constraint: version }, `${this.url}: there is no ${chart} ${version}`);
    if (manifest.status !== 200) throw refusal(manifest.status, this.url);
    const layers = fieldAt(parseJson(manifest.body, this.url), 'layers');
    const charts = Array.isArray(layers) ? layers.filter((layer: unknown) => fieldAt(layer, 'mediaType') === CHART_LAYER) : [];
    const digest = fieldAt(charts[0], 'digest');
    if (charts.length !== 1 || typeof digest !== 'string' || !/^sha256:[0-9a-f]{64}$/.test(digest))
      throw new ChartError({ code: 'malformed', repository: this.url }, `${this.url}: ${chart} ${version} is not a chart`);
    const blob = await this.#get(`${this.#base}/${name}/blobs/${digest}`, chart, signal);
    if (blob.status !== 200) throw refusal(blob.status, this.url);
    if (`sha256:${createHash('sha256').update(blob.body).digest('hex')}` !== digest)
      throw new ChartError(
        { code: 'digestMismatch', repository: this.url, chart },
        `${this.url}: ${chart} ${version}: the archive is not the one the manifest promises`,
      );
    if (this.#access.provenanceKeys !== undefined)
      await this.#checkProvenance({ chart, version, layers, archive: blob.body, keys: this.#access.provenanceKeys }, signal);
    return blob.body;
  }

  async #checkProvenance({ chart, version, layers, archive, keys }: SignedLayers, signal: AbortSignal): Promise<void> {
    const layer: unknown = Array.isArray(layers) ? layers.find((one: unknown) => fieldAt(one, 'mediaType') === PROVENANCE_LAYER) : undefined;
    const digest = fieldAt(layer, 'digest');
    if (typeof digest !== 'string')
      throw new ChartError({ code: 'notTrusted', repository: this.url, chart }, `${this.url}: ${chart} ${version} has no provenance layer`);
    const blob = await this.#get(`${this.#base}/${this.#nameOf(chart)}/blobs/${digest}`, chart, signal);
    if (blob.status !== 200) throw refusal(blob.status, this.url);
    await checkProvenance({ repository: this.url, chart, fileName: `${chart}-${version}.tgz`, archive, keys, provenance: new TextDecoder().decode(blob.body) });
  }

  #nameOf(chart: string): string {
    return [this.#prefix, chart].filter((part) => part !== '').join('/');
  }

  async #get(url: string, chart: string, signal: AbortSignal, accept: string = '*/*'): Promise<HttpAnswer> {
    const send = (headers: Readonly<Record<string, string>>): Promise<HttpAnswer> =>
      httpGet({
        url,
        headers: { accept, ...headers },
        limitBytes: url.includes('/blobs/') ? ARCHIVE_BYTES : MANIFEST_BYTES,
        insecure: this.#access.insecure,
        signal,
      });
    const first = await send(this.#token === undefined ? authorization(this.#access) : { authorization: `Bearer ${this.#token}` });
    const challenge = first.headers['www-authenticate'];
    if (first.status !== 401 || typeof challenge !== 'string' || !/^bearer /i.test(challenge)) return first;
    this.#token = await this.#fetchToken(challenge, chart, signal);
    return send({ authorization: `Bearer ${this.#token}` });
  }

  // The token flow of the distribution spec: the registry says where tokens are given out.
  async #fetchToken(challenge: string, chart: string, signal: AbortSignal): Promise<string> {
    const parameters = new Map([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map((match) => [match[1] ?? '', match[2] ?? '']));
    const realm = parameters.get('realm');
    if (realm === undefined || !/^https?:\/\//.test(realm)) throw refusal(401, this.url);
    const url = new URL(realm);
    const service = parameters.get('service');
    if (service !== undefined) url.searchParams.set('service', service);
    url.searchParams.set('scope', parameters.get('scope') ?? `repository:${this.#nameOf(chart)}:pull`);
    const answer = await httpGet({ url: url.href, headers: authorization(this.#access), limitBytes: MANIFEST_BYTES, insecure: this.#access.insecure, signal });
    const body = answer.status === 200 ? parseJson(answer.body, this.url) : undefined;
    const token = fieldAt(body, 'token') ?? fieldAt(body, 'access_token');
    if (typeof token !== 'string') throw refusal(401, this.url);
    return token;
  }
}

function nextPage(answer: HttpAnswer): string | undefined {
  const link = answer.headers['link'];
  const match = typeof link === 'string' ? /<([^>]+)>;\s*rel="?next"?/.exec(link) : null;
  return match?.[1] === undefined ? undefined : new URL(match[1], answer.url).href;
}

function parseJson(body: Uint8Array, repository: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch (cause) {
    throw new ChartError({ code: 'malformed', repository }, `${repository}: the registry did not answer with JSON`, { cause });
  }
}
