import { GoMap, type GoValue } from '../go/value.ts';
import { readYamlMap } from '../yaml/read-yaml.ts';
import type { HelmCompat } from './load-chart.ts';

/** Reads a values file: in Helm 4 every document of it, merged; in Helm 3 the first. Throws an Error with Helm's words. */
export function readValues(text: string, compat: HelmCompat): GoMap {
  if (compat === 'helm3') return readYamlMap(text);
  let values = new GoMap();
  for (const document of splitDocuments(text)) {
    let read: GoMap;
    try {
      read = readYamlMap(document);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      throw new Error(`cannot unmarshal yaml document: ${error.message}`, { cause: error });
    }
    values = mergeMaps(values, read);
  }
  return values;
}

// The reader of apimachinery: a line that begins with `---` ends a document; only a comment may follow on it.
function splitDocuments(text: string): readonly string[] {
  if (!/^---/m.test(text)) return text === '' ? [] : [text];
  const documents: string[] = [];
  let current = '';
  for (const line of text.split(/(?<=\n)/)) {
    if (line.startsWith('---')) {
      const rest = line.slice(3).trim();
      if (rest !== '' && !rest.startsWith('#')) throw new Error(`error reading yaml document: invalid Yaml document separator: ${rest}`);
      if (current !== '') {
        documents.push(current);
        current = '';
        continue;
      }
    }
    current += line;
  }
  return current === '' ? documents : [...documents, current];
}

/** Merges two value trees into a new one: maps deeply, everything else from `over`. */
export function mergeMaps(base: GoMap, over: GoMap): GoMap {
  const merged = new Map<string, GoValue>(base.entries);
  for (const [key, value] of over.entries) {
    const before = merged.get(key);
    merged.set(key, value instanceof GoMap && before instanceof GoMap ? mergeMaps(before, value) : value);
  }
  return new GoMap(merged);
}
