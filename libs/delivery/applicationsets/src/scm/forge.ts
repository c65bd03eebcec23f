import type { JsonObject } from '@tiphys/kube-model';
import type { ForgeGenerator } from '../application-set.ts';
import { GenerateError } from '../generate-error.ts';
import type { GeneratorContext, HttpAnswer, HttpCall } from '../generators/context.ts';
import { tokenOf } from '../generators/secret-text.ts';

/** One repository of a forge, at one branch. */
export interface ForgeRepository {
  readonly organization: string;
  readonly repository: string;
  readonly repositoryId: string;
  readonly httpsUrl: string;
  readonly sshUrl: string;
  readonly branch: string;
  readonly sha: string;
  readonly labels: readonly string[];
}

/** One open request to merge. */
export interface ForgePullRequest {
  readonly number: number;
  readonly title: string;
  readonly branch: string;
  readonly targetBranch: string;
  readonly headSha: string;
  readonly labels: readonly string[];
  readonly author: string;
}

/** What sets ask of a forge. Throws GenerateError `source`. */
export interface Forge {
  /** Repositories at their default branch, or at all branches. */
  repositories(): Promise<readonly ForgeRepository[]>;
  hasPath(repository: ForgeRepository, path: string): Promise<boolean>;
  pullRequests(): Promise<readonly ForgePullRequest[]>;
}

/** A forge's API with its paging: everything a set may list. */
export class ForgeApi {
  readonly #context: GeneratorContext;
  readonly #name: string;
  readonly #base: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #tls: Pick<HttpCall, 'insecure' | 'caCertificates'>;

  constructor(
    context: GeneratorContext,
    api: {
      readonly name: string;
      readonly base: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly tls: Pick<HttpCall, 'insecure' | 'caCertificates'>;
    },
  ) {
    this.#context = context;
    this.#name = api.name;
    this.#base = api.base.replace(/\/$/, '');
    this.#headers = api.headers;
    this.#tls = api.tls;
  }

  /** All pages of a list. Throws GenerateError `source`, with code 404 told apart by `isMissing`. */
  async all(path: string): Promise<readonly JsonObject[]> {
    const items: JsonObject[] = [];
    let next: string | undefined = `${this.#base}${path}`;
    for (let page = 1; next !== undefined; page += 1) {
      if (page > MAX_PAGES) throw new GenerateError({ code: 'tooMany' }, `${this.#name}: ${path} has more than ${MAX_PAGES} pages`);
      const answer: HttpAnswer = await this.#get(next);
      this.#mustSucceed(answer, path);
      const list: unknown = answer.body;
      if (!Array.isArray(list)) throw new GenerateError({ code: 'source' }, `${this.#name}: ${path}: answered without a list`);
      // Lists of the forges hold objects; what is read of them is checked where it is read.
      items.push(...(list as JsonObject[]));
      next = nextPage(answer, next, this.#base);
    }
    return items;
  }

  /** Whether something is there. */
  async exists(path: string): Promise<boolean> {
    const answer = await this.#get(`${this.#base}${path}`);
    if (answer.status === 404) return false;
    this.#mustSucceed(answer, path);
    return true;
  }

  #get(url: string): Promise<HttpAnswer> {
    return this.#context.world.http({ url, headers: this.#headers, ...this.#tls }, this.#context.signal);
  }

  #mustSucceed({ status }: HttpAnswer, path: string): void {
    if (status >= 200 && status < 300) return;
    throw new ForgeAnswerError(status, `${this.#name}: ${path}: answered ${status}`);
  }
}

const MAX_PAGES = 200;

/** A forge that did not answer as wished. */
export class ForgeAnswerError extends GenerateError {
  readonly status: number;

  constructor(status: number, message: string) {
    super({ code: 'source' }, message, status === 401 || status === 403 ? { hint: 'check the token the generator names' } : {});
    this.status = status;
  }
}

// RFC 8288 links, as all three forges send them. A link to another host would be given the token.
function nextPage({ headers }: HttpAnswer, current: string, base: string): string | undefined {
  const link = /<([^>]+)>;\s*rel="?next"?/.exec(headers['link'] ?? '')?.[1];
  if (link === undefined) return undefined;
  const next = new URL(link, current);
  return next.origin === new URL(base).origin ? next.href : undefined;
}

/** The fields of a forge's block that are texts, lists of texts, or switches. */
export const textField = (block: JsonObject, name: string): string => (typeof block[name] === 'string' ? block[name] : '');
export const flagField = (block: JsonObject, name: string): boolean => block[name] === true;
export const textsField = (block: JsonObject, name: string): readonly string[] => {
  const value = block[name];
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
};

/** The token a block refers to; empty without one. Throws GenerateError. */
export function tokenField(block: JsonObject, context: GeneratorContext): string {
  const ref = block['tokenRef'] as { readonly secretName?: unknown; readonly key?: unknown } | undefined;
  if (typeof ref?.secretName !== 'string' || typeof ref.key !== 'string') return '';
  return tokenOf(context.world, { secretName: ref.secretName, key: ref.key });
}

/** Certificates and switches of the connection. */
export function tlsFields(block: JsonObject, { world }: GeneratorContext): Pick<HttpCall, 'insecure' | 'caCertificates'> {
  const ref = block['caRef'] as { readonly configMapName?: unknown; readonly key?: unknown } | undefined;
  const certificates = typeof ref?.configMapName === 'string' && typeof ref.key === 'string' ? world.configMap(ref.configMapName)?.data?.[ref.key] : undefined;
  return { ...(flagField(block, 'insecure') ? { insecure: true } : {}), ...(certificates === undefined ? {} : { caCertificates: certificates }) };
}

const UNSUPPORTED = ['bitbucket', 'bitbucketServer', 'azureDevOps', 'azuredevops', 'awsCodeCommit'];

/** The error of a block that names no forge we can ask. */
export function noForge(kind: string, generator: ForgeGenerator): GenerateError {
  const named = UNSUPPORTED.find((name) => name in generator);
  const message = named === undefined ? `${kind} generator: names no forge` : `${kind} generator: ${named} is not supported yet`;
  return new GenerateError({ code: 'invalid' }, message, { hint: 'github, gitlab and gitea are; a plugin generator can ask any service' });
}
