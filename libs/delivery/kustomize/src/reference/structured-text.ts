import { encodeJson } from '@tiphys/delivery-helm';
import { fail } from '../kustomize-error.ts';
import type { Budget } from '../limits.ts';
import { readDocument } from '../yaml/read.ts';
import { RNode } from '../yaml/rnode.ts';
import { toValue } from '../yaml/value.ts';
import { writeNode } from '../yaml/write.ts';

/** Reads a text that is YAML or JSON inside a field. Throws KustomizeError. */
export function parseStructuredText(text: string, budget: Budget): RNode {
  return readDocument(text, budget) ?? new RNode('none', '');
}

/** Writes it again: JSON as JSON, indented where it was, YAML as YAML (kustomize v5.8.1 api/filters/replacement). */
export function writeStructuredText(root: RNode, original: string): string {
  const start = original.trim().charAt(0);
  if (start === '') return fail('no structured data found in path');
  if (start !== '{' && start !== '[') return writeNode(root).trim();
  return encodeJson(toValue(root), original.includes('\n') && original.includes('  ') ? { indent: '  ' } : {});
}
