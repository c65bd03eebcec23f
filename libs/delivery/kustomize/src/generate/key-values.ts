import { fromBytes } from '@tiphys/delivery-helm';
import { fail, prefixed } from '../kustomize-error.ts';
import type { ConfigMapArgs } from '../load/generator-fields.ts';
import type { Loader } from '../load/loader.ts';

/** Reads the data of a generator from env files, literals and files, in this order (kustomize v5.8.1 api/kv). Throws KustomizeError. */
export async function loadKeyValues(args: ConfigMapArgs, loader: Loader): Promise<ReadonlyMap<string, string>> {
  const data = new Map<string, string>();
  const add = (key: string, value: string): void => {
    if (data.has(key)) fail(`configmap ${args.name} illegally repeats the key \`${key}\``);
    data.set(key, value);
  };
  const sources: readonly (readonly [what: string, list: readonly string[], read: (source: string) => Promise<readonly (readonly [string, string])[]>])[] = [
    ['env source files:', args.envs ?? [], (path) => readEnvFile(path, loader)],
    ['literal sources', args.literals ?? [], (source) => Promise.resolve([parseLiteral(source)])],
    ['file sources:', args.files ?? [], (source) => readFileSource(source, loader)],
  ];
  for (const [what, list, read] of sources) {
    for (const source of list) {
      try {
        for (const [key, value] of await read(source)) add(key, value);
      } catch (error) {
        // Literals may be secret: only paths are shown.
        throw prefixed(what === 'literal sources' ? 'loading KV pairs: literal sources' : `loading KV pairs: ${what} [${list.join(' ')}]`, error);
      }
    }
  }
  return data;
}

async function readEnvFile(path: string, loader: Loader): Promise<readonly (readonly [string, string])[]> {
  const text = fromBytes(await loader.load(path)).replace(/^\ufeff/, '');
  const pairs: (readonly [string, string])[] = [];
  for (const [index, line] of splitLines(text).entries()) {
    if (/[\ud800-\udfff](?![\udc00-\udfff])/.test(line.replaceAll(/[\ud800-\udbff][\udc00-\udfff]/g, '')))
      fail(`line ${index} of ${path} has invalid utf8 bytes`);
    const trimmed = line.replace(/^[\s\u0085]+/, '');
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const at = trimmed.indexOf('=');
    const key = at < 0 ? trimmed : trimmed.slice(0, at);
    if (key !== '') pairs.push([key, at < 0 ? '' : trimmed.slice(at + 1)]);
  }
  return pairs;
}

// bufio.ScanLines: a carriage return before the break belongs to the break.
function splitLines(text: string): readonly string[] {
  return text.split('\n').map((line) => line.replace(/\r$/, ''));
}

function parseLiteral(source: string): readonly [string, string] {
  const at = source.indexOf('=');
  if (at <= 0) return fail('invalid literal source, expected key=value');
  const value = source.slice(at + 1);
  const quote = value.charAt(0);
  const isQuoted = value.length >= 2 && (quote === '"' || quote === "'") && value.endsWith(quote);
  return [source.slice(0, at), isQuoted ? value.slice(1, -1) : value];
}

async function readFileSource(source: string, loader: Loader): Promise<readonly (readonly [string, string])[]> {
  const [key, path] = parseFileSource(source);
  return [[key, fromBytes(await loader.load(path))]];
}

function parseFileSource(source: string): readonly [key: string, path: string] {
  const parts = source.split('=');
  const [first = '', second = ''] = parts;
  if (parts.length === 1) return [source.slice(source.lastIndexOf('/') + 1), source];
  if (parts.length > 2) return fail(`source "${source}" key name or file path contains '='`);
  if (first === '') return fail(`missing key name for file path "${second}" in source "${source}"`);
  return second === '' ? fail(`missing file path for key name "${first}" in source "${source}"`) : [first, second];
}
