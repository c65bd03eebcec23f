import type { KubeObject } from '@tiphys/kube-model';
import {
  LineCounter,
  parseAllDocuments,
  type Document,
  type DocumentOptions,
  type ParseOptions as ParseOptionsOfYaml,
  type SchemaOptions,
  type Tags,
} from 'yaml';
import { defaultManifestLimits, type ManifestLimits } from './limits.ts';
import { objectProblem, openLists } from './object-shape.ts';
import type { ManifestProblem } from './problem.ts';
import { toValue } from './to-value.ts';

/** An object and where it stands. */
export interface LocatedObject {
  readonly object: KubeObject;
  readonly file: string;
  /** Index of the document in the file, from 0. */
  readonly document: number;
  /** Line on which the document begins, from 1. */
  readonly line: number;
}

/** What a text of manifests holds: every good object, and every problem of the others. */
export interface ParsedManifests {
  readonly objects: readonly LocatedObject[];
  readonly problems: readonly ManifestProblem[];
}

/** Where a text comes from and how much of it is accepted. */
export interface ParseOptions {
  /** The file's name, for problems. */
  readonly source: string;
  readonly limits?: Partial<ManifestLimits>;
  /** A key may stand twice in one map: the last one counts, and both are told. Otherwise it is a problem. */
  readonly allowDuplicateKeys?: boolean;
}

/** A value and where it stands. */
export interface LocatedValue {
  readonly value: unknown;
  readonly document: number;
  readonly line: number;
  /** Keys that stand twice in one map, where they were allowed to. */
  readonly duplicates: readonly { readonly key: string; readonly line: number }[];
}

/**
 * Reads Kubernetes objects from YAML or JSON, many documents in one text. `List` kinds are opened, empty documents skipped.
 * Nothing is thrown for bad input: one bad document does not hide forty good ones.
 */
export function parseManifests(text: string, options: ParseOptions): ParsedManifests {
  const { values, problems } = parseDocuments(text, options);
  const limits = { ...defaultManifestLimits, ...options.limits };
  const objects: LocatedObject[] = [];
  const found: ManifestProblem[] = [...problems];
  for (const { value, document, line } of values) {
    for (const item of openLists(value)) {
      const problem = objectProblem(item);
      if (problem !== undefined) found.push({ file: options.source, line, message: problem });
      // objectProblem has just checked what makes a KubeObject.
      else if (objects.length < limits.maxObjects) objects.push({ object: item as KubeObject, file: options.source, document, line });
      else return { objects, problems: [...found, { file: options.source, line, message: `more than ${limits.maxObjects} objects` }] };
    }
  }
  return { objects, problems: found };
}

/** Reads the documents of a YAML or JSON text as plain values; empty ones are left out. */
export function parseDocuments(
  text: string,
  options: ParseOptions,
): { readonly values: readonly LocatedValue[]; readonly problems: readonly ManifestProblem[] } {
  const limits = { ...defaultManifestLimits, ...options.limits };
  const file = options.source;
  // UTF-8 takes at most three bytes a UTF-16 unit: only texts near the limit are measured exactly.
  if (text.length > limits.maxBytes || (text.length * 3 > limits.maxBytes && new TextEncoder().encode(text).byteLength > limits.maxBytes)) {
    return { values: [], problems: [{ file, message: `larger than ${limits.maxBytes} bytes` }] };
  }
  const depth = depthProblem(text, limits.maxDepth);
  if (depth !== undefined) return { values: [], problems: [{ file, line: depth, message: `nesting exceeds ${limits.maxDepth} levels` }] };
  const lineCounter = new LineCounter();
  const parsed = parseAllDocuments(text, { ...DIALECT, uniqueKeys: options.allowDuplicateKeys !== true, lineCounter });
  const documents: readonly Document[] = Array.isArray(parsed) ? parsed : [];
  const values: LocatedValue[] = [];
  const problems: ManifestProblem[] = [];
  documents.forEach((document, index) => {
    const error = document.errors[0];
    if (error !== undefined) {
      const { line, col } = lineCounter.linePos(error.pos[0]);
      problems.push({
        file,
        line,
        column: col,
        message: error.code === 'DUPLICATE_KEY' ? 'a key stands twice in one map' : error.message.replace(/\s+/g, ' ').trim(),
      });
      return;
    }
    const converted = toValue(document, limits);
    if ('problem' in converted) {
      const { line, col } = lineCounter.linePos(converted.problem.offset);
      problems.push({ file, line, column: col, message: converted.problem.message });
    } else if (converted.value !== null) {
      values.push({
        value: converted.value,
        document: index,
        line: lineCounter.linePos(document.contents?.range?.[0] ?? document.range?.[0] ?? 0).line,
        duplicates: converted.duplicates.map(({ offset, key }) => ({ key, line: lineCounter.linePos(offset).line })),
      });
    }
  });
  return { values, problems };
}

// Kubernetes reads YAML 1.1 as go-yaml v2 does: `yes` is true and 0644 is octal, but base-60 numbers and times stay text.
// Merge keys are toValue's work, under its budget.
const GO_YAML_IGNORES = ['timestamp', 'merge', 'omap', 'pairs', 'set'].map((tag) => `tag:yaml.org,2002:${tag}`);
const DIALECT: ParseOptionsOfYaml & DocumentOptions & SchemaOptions = {
  version: '1.1',
  schema: 'yaml-1.1',
  customTags: (tags: Tags): Tags =>
    tags.filter((tag) => typeof tag === 'string' || !(GO_YAML_IGNORES.includes(tag.tag) || ('format' in tag && tag.format === 'TIME'))),
  merge: false,
  intAsBigInt: true,
  strict: true,
  prettyErrors: false,
  logLevel: 'silent',
};

// The parser recurses: flow collections nested past any sense would exhaust its stack before toValue could count them.
function depthProblem(text: string, maxDepth: number): number | undefined {
  let depth = 0;
  let line = 1;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (char === '\n') line += 1;
    else if (char === '[' || char === '{') {
      depth += 1;
      // Brackets inside strings count too, so the bound is generous; sane manifests stay far below it.
      if (depth > maxDepth * 10) return line;
    } else if (char === ']' || char === '}') depth = Math.max(0, depth - 1);
  }
  return compactNesting(text) > maxDepth ? line : undefined;
}

// `- - - -` nests a level for each dash on one line.
function compactNesting(text: string): number {
  let longest = 0;
  for (const match of text.matchAll(/(?:[-?:] ){50,}/g)) longest = Math.max(longest, match[0].length / 2);
  return longest;
}
