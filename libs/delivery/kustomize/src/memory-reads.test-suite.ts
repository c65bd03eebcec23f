import type { KustomizeReads } from './load/loader.ts';

/** Reads of files in memory; leading slashes of their names do not count. */
export function memoryReads(files: Readonly<Record<string, string | Uint8Array>>): KustomizeReads {
  const byPath = new Map(Object.entries(files).map(([path, data]) => [path.replace(/^\//, ''), typeof data === 'string' ? Buffer.from(data) : data]));
  const folders = new Map<string, Map<string, 'file' | 'directory'>>([['', new Map()]]);
  for (const path of byPath.keys()) {
    const parts = path.split('/');
    for (const [index, name] of parts.entries()) {
      const folder = parts.slice(0, index).join('/');
      const names = folders.get(folder) ?? new Map<string, 'file' | 'directory'>();
      folders.set(folder, names.set(name, index === parts.length - 1 ? 'file' : 'directory'));
    }
  }
  return {
    read: (path) => Promise.resolve(byPath.get(path)),
    list(path) {
      const names = folders.get(path);
      return Promise.resolve(names === undefined ? undefined : [...names].map(([name, kind]) => ({ name, kind })));
    },
  };
}
