/**
 * One form for all spellings of a repository: lower-case host and, on the known forges, path; no `.git`, no user, no
 * trailing slash, and `git@host:path`, `ssh://` and `https://` are the same place. Local paths are kept as they are.
 */
export function normalizeRepoUrl(url: string): string {
  const text = url.trim();
  const scp = /^(?:[^@/\s]+@)?([^:/\s]+):(?!\/\/)([^\s]+)$/.exec(text);
  if (scp !== null && !/^[A-Za-z]:\\/.test(text)) return hosted(scp[1] ?? '', scp[2] ?? '');
  const match = /^(https?|ssh|git):\/\/(?:[^@/\s]*@)?([^/\s]+)\/?(.*)$/i.exec(text);
  if (match === null) return stripSuffix(text.replace(/^file:\/\//, ''));
  const host = (match[2] ?? '').replace(/:(443|80|22)$/, '');
  return hosted(host, match[3] ?? '');
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
