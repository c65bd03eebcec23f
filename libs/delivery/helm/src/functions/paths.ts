import { ofString, type FunctionGroup } from './define.ts';

/** Go's path functions; the `os` forms are the same on Linux. */
export const paths: FunctionGroup = {
  base: ofString(base),
  osBase: ofString(base),
  dir: ofString(dir),
  osDir: ofString(dir),
  clean: ofString(clean),
  osClean: ofString(clean),
  ext: ofString(extension),
  osExt: ofString(extension),
  isAbs: ofString((path) => path.startsWith('/')),
  osIsAbs: ofString((path) => path.startsWith('/')),
};

function base(path: string): string {
  if (path === '') return '.';
  const bare = path.replace(/\/+$/, '');
  return bare === '' ? '/' : bare.slice(bare.lastIndexOf('/') + 1);
}

function dir(path: string): string {
  return clean(path.slice(0, path.lastIndexOf('/') + 1));
}

function extension(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const dot = name.lastIndexOf('.');
  return dot < 0 ? '' : name.slice(dot);
}

function clean(path: string): string {
  const rooted = path.startsWith('/');
  const kept: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') kept.push(part);
    else if (kept.length > 0 && kept.at(-1) !== '..') kept.pop();
    else if (!rooted) kept.push(part);
  }
  const joined = (rooted ? '/' : '') + kept.join('/');
  return joined === '' ? '.' : joined;
}
