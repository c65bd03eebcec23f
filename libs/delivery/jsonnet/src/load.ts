import type { Expression } from './ast.ts';
import { importsOf } from './imports.ts';
import { JsonnetError } from './jsonnet-error.ts';
import { parse } from './parse.ts';

/** Reads a file of the repository; undefined where there is none. */
export type ReadFile = (path: string) => Promise<Uint8Array | undefined>;

/** Everything a program imports, read before it runs. */
export interface Library {
  readonly programs: ReadonlyMap<string, Expression>;
  readonly bytes: ReadonlyMap<string, Uint8Array>;
  /** The file that `path`, as written in `from`, stands for. */
  readonly found: ReadonlyMap<string, string>;
}

/** A program with its imports. */
export interface Program {
  readonly main: string;
  readonly library: Library;
}

// All files of one program together.
const MAX_FILES = 2000;
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Reads a program and what it imports: beside the importing file, then in the library folders, the last one first (go-jsonnet FileImporter).
 * A file that is not there is an error only where the program needs it. Throws JsonnetError.
 */
export async function loadProgram(main: string, read: ReadFile, libraries: readonly string[]): Promise<Program> {
  const programs = new Map<string, Expression>();
  const bytes = new Map<string, Uint8Array>();
  const found = new Map<string, string>();
  let total = 0;

  async function readOnce(path: string): Promise<Uint8Array | undefined> {
    const known = bytes.get(path);
    if (known !== undefined) return known;
    const content = await read(path);
    if (content === undefined) return undefined;
    total += content.byteLength;
    if (total > MAX_BYTES || bytes.size >= MAX_FILES)
      throw new JsonnetError({ code: 'budget' }, `${main}: imports more than ${MAX_FILES} files or ${MAX_BYTES} bytes`);
    bytes.set(path, content);
    return content;
  }

  async function locate(from: string, path: string): Promise<string | undefined> {
    for (const folder of [from.split('/').slice(0, -1).join('/'), ...libraries.toReversed()]) {
      const candidate = joinInside(folder, path);
      if (candidate !== undefined && (await readOnce(candidate)) !== undefined) return candidate;
    }
    return undefined;
  }

  if ((await readOnce(main)) === undefined) throw new JsonnetError({ code: 'static' }, `${main}: no such file`);
  const waiting = [main];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (programs.has(file)) continue;
    const program = parse(new TextDecoder().decode(bytes.get(file)), file);
    programs.set(file, program);
    for (const { form, path } of importsOf(program)) {
      const target = await locate(file, path);
      if (target === undefined) continue;
      found.set(importKey(file, path), target);
      if (form === 'import') waiting.push(target);
    }
  }
  return { main, library: { programs, bytes, found } };
}

/** Names one import. */
export function importKey(from: string, path: string): string {
  return `${from}\0${path}`;
}

// A path of the repository, or undefined where it leads out: whatever is asked for, nothing outside is read.
function joinInside(folder: string, path: string): string | undefined {
  if (path.startsWith('/')) return undefined;
  const parts: string[] = [];
  for (const part of `${folder}/${path}`.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.join('/');
}
