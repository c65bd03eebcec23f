import { KustomizeError } from '../kustomize-error.ts';

/** A folder in another repository, as a kustomization names it. */
export interface RepoSpec {
  readonly raw: string;
  /** What can be cloned. */
  readonly repository: string;
  readonly path: string;
  /** Empty for the default branch. */
  readonly revision: string;
  readonly submodules: boolean;
}

const SCHEMES = ['ssh://', 'https://', 'http://', 'file://'];

/** A URL without user and password; other texts as they are. */
export function withoutCredentials(url: string): string {
  return url.replace(/^((?:git::)?[a-z+]+:\/\/)[^/@]*@/i, '$1');
}

function refuse(message: string): KustomizeError {
  return new KustomizeError({ code: 'other' }, message);
}

/** Reads the URL of a base (kustomize v5.8.1 api/internal/git/repospec.go); an error where it is none, so that it may be a path. */
export function parseRepoSpec(raw: string): RepoSpec | KustomizeError {
  if (raw.startsWith('/')) return refuse(`uri looks like abs path: ${raw}`);
  const at = raw.indexOf('?');
  const url = at < 0 ? raw : raw.slice(0, at);
  const query = parseQuery(at < 0 ? '' : raw.slice(at + 1));
  const host = splitHost(url);
  if (host instanceof KustomizeError) return host;
  const parts = splitPath(host.rest, host.isFile);
  if (parts === undefined || parts.repository === '') return refuse('failed to parse repo path segment');
  if (/^\/*\.\.(?:\/|$)/.test(cleanPath(parts.path))) return refuse(`url path exits repo: ${raw}`);
  return { raw, repository: host.host + parts.repository, path: parts.path.replace(/^\//, ''), ...query };
}

function cleanPath(path: string): string {
  const kept: string[] = [];
  for (const part of path.replace(/^\/+/, '').split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && kept.length > 0 && kept.at(-1) !== '..') kept.pop();
    else kept.push(part);
  }
  return kept.join('/');
}

function splitPath(text: string, isFile: boolean): { readonly repository: string; readonly path: string } | undefined {
  const azure = text.indexOf('_git/');
  if (azure >= 0) {
    const [name = '', ...rest] = text.slice(azure + 5).split('/');
    return { repository: text.slice(0, azure + 5) + name, path: rest.join('/') };
  }
  const double = text.indexOf('//');
  if (double >= 0) return { repository: text.slice(0, double), path: text.slice(double + 2) };
  const suffix = text.indexOf('.git');
  if (suffix >= 0) return { repository: text.slice(0, suffix + 4), path: text.slice(suffix + 4) };
  if (isFile) return { repository: text, path: '' };
  const segments = text.split('/');
  return segments.length < 2 ? undefined : { repository: segments.slice(0, 2).join('/'), path: segments.slice(2).join('/') };
}

function parseQuery(query: string): Pick<RepoSpec, 'revision' | 'submodules'> {
  const values = new URLSearchParams(query);
  const flag = values.get('submodules') ?? '';
  return { revision: values.get('ref') || (values.get('version') ?? ''), submodules: !['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(flag) };
}

interface Host {
  readonly host: string;
  readonly rest: string;
  readonly isFile: boolean;
}

function withoutPrefix(text: string, prefix: string): string | undefined {
  return text.toLowerCase().startsWith(prefix) ? text.slice(prefix.length) : undefined;
}

function splitHost(url: string): Host | KustomizeError {
  const bare = withoutPrefix(url, 'git::') ?? url;
  const scheme = SCHEMES.find((candidate) => withoutPrefix(bare, candidate) !== undefined) ?? '';
  const afterScheme = bare.slice(scheme.length);
  const user = /^[a-zA-Z][a-zA-Z0-9-]*@/.exec(afterScheme)?.[0] ?? '';
  const rest = afterScheme.slice(user.length);
  const isGithub = /^github\.com[/:]/i.test(rest);
  const acceptsScp = scheme === '' && (user !== '' || isGithub);
  if (scheme === '' && !acceptsScp) return refuse('failed to parse scheme');
  if (scheme === 'file://') return { host: scheme, rest: user + rest, isFile: true };
  const separator = hostEnd(rest, acceptsScp);
  const host = separator < 0 ? rest : rest.slice(0, separator + 1);
  const path = separator < 0 ? '' : rest.slice(separator + 1);
  if (host === '') return refuse('failed to parse host segment');
  if (!isGithub) return { host: scheme + user + host, rest: path, isFile: false };
  return { host: scheme === 'ssh://' || user !== '' ? `${user}github.com:` : 'https://github.com/', rest: path, isFile: false };
}

function hostEnd(text: string, acceptsScp: boolean): number {
  const slash = text.indexOf('/');
  const colon = acceptsScp ? text.indexOf(':') : -1;
  return slash === -1 || (colon > 0 && colon < slash) ? (acceptsScp ? colon : slash) : slash;
}
