/**
 * One form for all spellings of a repository: lower-case host and, on the known forges, path; no `.git`, no user, no
 * trailing slash, and `git@host:path`, `ssh://` and `https://` are the same place. Local paths are resolved, no more.
 */
export function normalizeRepoUrl(url: string): string {
  const text = resolveRepoUrl(url);
  const scp = /^(?:[^@/\s]+@)?([^:/\s]+):(?!\/\/)([^\s]+)$/.exec(text);
  if (scp !== null && !/^[A-Za-z]:\\/.test(text)) return hosted(scp[1] ?? '', scp[2] ?? '');
  const match = /^(https?|ssh|git):\/\/(?:[^@/\s]*@)?([^/\s]+)\/?(.*)$/i.exec(text);
  if (match === null) return stripSuffix(text.replace(/^file:\/\/(localhost(?=\/))?/i, ''));
  const host = (match[2] ?? '').replace(/\.?(:(443|80|22))?$/, '');
  return hosted(host, match[3] ?? '');
}

/**
 * A URL with its path spelled in one way: percent-encoded characters read, `.`, `..` and empty parts resolved, in URLs also backslashes.
 * A server or a file system does the same, so rules must not take such a spelling for another place.
 */
export function resolveRepoUrl(url: string): string {
  const text = url.trim();
  const remote = /^([a-z][a-z0-9+.-]*:\/\/[^/\\]*)(.*)$/is.exec(text);
  if (remote !== null) return `${remote[1] ?? ''}${resolvePath(decoded(remote[2] ?? '').replaceAll('\\', '/'))}`;
  const scp = /^((?:[^@/\s]+@)?[^:/\s]+:)(?![\\/]{2})(.+)$/s.exec(text);
  return scp === null ? resolvePath(text) : `${scp[1] ?? ''}${resolvePath(scp[2] ?? '')}`;
}

function decoded(path: string): string {
  return path.replace(/(?:%[0-9a-f]{2})+/gi, (encoded) => {
    try {
      return decodeURIComponent(encoded);
    } catch {
      return encoded; // Bytes that are no text stay as they are written.
    }
  });
}

function resolvePath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (part !== '' && part !== '.' && !(part === '..' && path.startsWith('/'))) parts.push(part);
  }
  return `${path.startsWith('/') ? '/' : ''}${parts.join('/')}`;
}

function hosted(host: string, path: string): string {
  const lowered = host.toLowerCase();
  const trimmed = stripSuffix(path.replace(/^\/+/, ''));
  // These forges treat the path without regard to case; elsewhere it may matter.
  const folds = /(^|\.)(github\.com|gitlab\.com|bitbucket\.org|dev\.azure\.com)$/.test(lowered);
  return `${lowered}/${folds ? trimmed.toLowerCase() : trimmed}`;
}

function stripSuffix(path: string): string {
  return path
    .replace(/\/+$/, '')
    .replace(/\.git$/i, '')
    .replace(/(.)\/+$/, '$1');
}
