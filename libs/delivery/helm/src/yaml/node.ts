/** How a scalar is written. */
export type ScalarStyle = 'plain' | 'single' | 'double' | 'literal' | 'folded';

/** A node of a parsed YAML document. `tag` is in its long form, empty when none was written. */
export type YamlNode =
  | {
      readonly kind: 'scalar';
      readonly tag: string;
      readonly value: string;
      readonly isImplicit: boolean;
      readonly style: ScalarStyle;
      readonly line: number;
    }
  | { readonly kind: 'sequence'; readonly tag: string; readonly items: YamlNode[]; readonly line: number }
  | { readonly kind: 'mapping'; readonly tag: string; readonly pairs: (readonly [YamlNode, YamlNode])[]; readonly line: number }
  | { readonly kind: 'alias'; readonly name: string; readonly target: YamlNode; readonly line: number };
