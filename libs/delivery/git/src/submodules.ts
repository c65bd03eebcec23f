import { redactUrl } from '@tiphys/kernel';
import { normalizePath, type Snapshot } from './snapshot.ts';
import { SourceError } from './source-error.ts';

/** Opens the repository of a submodule at its commit; undefined where it may not be asked. */
export type OpenSubmodule = (url: string, commit: string) => Promise<Snapshot | undefined>;

const MAX_DEPTH = 5;

/** A snapshot whose submodules can be read as folders. One that may not be asked stays what it is: a name without files. */
export function withSubmodules(snapshot: Snapshot, open: OpenSubmodule, depth: number = 0): Snapshot {
  let urls: Promise<ReadonlyMap<string, string>> | undefined;
  const mounted = new Map<string, Promise<Snapshot | undefined>>();

  // The submodule a path leads into, and the rest of the path.
  async function enter(path: string): Promise<{ readonly module: Snapshot; readonly rest: string } | undefined> {
    const normal = normalizePath(path);
    if (normal === undefined || normal === '') return undefined;
    urls ??= moduleUrls(snapshot);
    for (const folder of (await urls).keys()) {
      if (normal !== folder && !normal.startsWith(`${folder}/`)) continue;
      let module = mounted.get(folder);
      if (module === undefined) {
        module = mount(folder);
        mounted.set(folder, module);
      }
      const found = await module;
      return found === undefined ? undefined : { module: found, rest: normal.slice(folder.length + 1) };
    }
    return undefined;
  }

  async function mount(folder: string): Promise<Snapshot | undefined> {
    const entry = await snapshot.stat(folder);
    const url = (await urls)?.get(folder);
    if (entry?.kind !== 'submodule' || url === undefined) return undefined;
    if (depth >= MAX_DEPTH) {
      const remote = redactUrl(snapshot.repoURL);
      throw new SourceError({ code: 'pathNotFound', remote, path: folder }, `${folder}: submodules nest deeper than ${MAX_DEPTH} in ${remote}`);
    }
    const module = await open(absoluteUrl(url, snapshot.repoURL), entry.oid);
    return module === undefined ? undefined : withSubmodules(module, open, depth + 1);
  }

  return {
    ...snapshot,
    async read(path, options) {
      const inside = await enter(path);
      return inside === undefined ? snapshot.read(path, options) : inside.module.read(inside.rest, options);
    },
    async list(path) {
      const inside = await enter(path);
      if (inside !== undefined) return inside.module.list(inside.rest);
      const entries = await snapshot.list(path);
      // A submodule that can be read is a folder to whoever walks the tree.
      return Promise.all(
        entries.map(async (entry) =>
          entry.kind === 'submodule' && (await enter(path === '' ? entry.name : `${path}/${entry.name}`)) !== undefined
            ? { ...entry, kind: 'directory' as const }
            : entry,
        ),
      );
    },
    async stat(path) {
      const inside = await enter(path);
      return inside === undefined ? snapshot.stat(path) : inside.module.stat(inside.rest);
    },
    async oid(path) {
      const inside = await enter(path);
      return inside === undefined ? snapshot.oid(path) : inside.module.oid(inside.rest);
    },
  };
}

async function moduleUrls(snapshot: Snapshot): Promise<ReadonlyMap<string, string>> {
  if ((await snapshot.stat('.gitmodules'))?.kind !== 'file') return new Map();
  return parseModules(new TextDecoder().decode(await snapshot.read('.gitmodules')));
}

/** Folders and URLs of a `.gitmodules` file (gitmodules(5)). Names, URLs and paths git would refuse are left out (CVE-2018-17456). */
export function parseModules(text: string): ReadonlyMap<string, string> {
  const modules = new Map<string, string>();
  let path: string | undefined;
  let url: string | undefined;
  const keep = (): void => {
    const folder = path === undefined ? undefined : normalizePath(path);
    if (folder !== undefined && folder !== '' && url !== undefined && !url.startsWith('-') && !folder.startsWith('-')) modules.set(folder, url);
    path = undefined;
    url = undefined;
  };
  for (const line of text.split('\n')) {
    if (/^\s*\[/.test(line)) keep();
    const setting = /^\s*(path|url)\s*=\s*"?(.*?)"?\s*$/.exec(line);
    if (setting?.[1] === 'path') path = setting[2];
    else if (setting?.[1] === 'url') url = setting[2];
  }
  keep();
  return modules;
}

// `../other.git` is beside the repository itself.
function absoluteUrl(url: string, repoURL: string): string {
  if (!url.startsWith('./') && !url.startsWith('../')) return url;
  const match = /^([a-z+]+:\/\/[^/]+\/?|[^/:]+:|\/)?(.*)$/i.exec(repoURL);
  const joined = normalizePath(`${match?.[2] ?? ''}/${url}`) ?? '';
  return `${match?.[1] ?? ''}${joined}`;
}
