import { fromBytes, toValidText } from '../go/text.ts';
import { goStrings, GoBytes, GoMap, type GoMethods, type GoValue } from '../go/value.ts';
import { helmYaml } from '../yaml/hooks.ts';
import type { ChartFile } from './chart.ts';
import { compileGlob } from './match-glob.ts';

/** `.Files` of a chart: content by name, with Get, Glob and the other methods. */
export function filesObject(files: readonly ChartFile[]): GoMap {
  return wrap(new Map(files.map(({ name, data }) => [name, data])));
}

type Contents = ReadonlyMap<string, Uint8Array>;

function wrap(contents: Contents): GoMap {
  const entries = new Map<string, GoValue>([...contents].map(([name, data]) => [name, new GoBytes(data)]));
  return new GoMap(entries, 'engine.files', { elemType: '[]uint8', methods: fileMethods(contents) });
}

function fileMethods(contents: Contents): GoMethods {
  const text = (name: GoValue | undefined): string => fromBytes((typeof name === 'string' ? contents.get(name) : undefined) ?? new Uint8Array());
  const named = (read: (data: Uint8Array) => string): string =>
    helmYaml.toYaml(new GoMap(new Map([...contents].map(([name, data]) => [baseName(name), read(data)])), 'map[string]string'));
  return {
    Get: { params: ['string'], call: ([name]) => text(name) },
    GetBytes: { params: ['string'], call: ([name]) => new GoBytes((typeof name === 'string' ? contents.get(name) : undefined) ?? new Uint8Array()) },
    Glob: { params: ['string'], call: ([pattern]) => globFiles(contents, typeof pattern === 'string' ? pattern : '') },
    AsConfig: { params: [], call: () => named((data) => toValidText(fromBytes(data))) },
    AsSecrets: { params: [], call: () => named((data) => Buffer.from(data).toString('base64')) },
    Lines: { params: ['string'], call: ([name]) => goStrings(linesOf(text(name))) },
  };
}

// A malformed pattern matches everything: Helm falls back to `**`.
function globFiles(contents: Contents, pattern: string): GoMap {
  const matches = compileGlob(pattern) ?? ((): boolean => true);
  return wrap(new Map([...contents].filter(([name]) => matches(name))));
}

function linesOf(text: string): readonly string[] {
  if (text === '') return [];
  return (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n');
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
