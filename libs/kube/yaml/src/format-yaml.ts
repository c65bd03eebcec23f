import { stringify } from 'yaml';

/** A value as one YAML document, block style, without line folding or anchors. */
export function formatYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false, version: '1.1' });
}
