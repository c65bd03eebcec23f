import { prefixed } from '../kustomize-error.ts';
import { mergeVars, type VarSet } from '../reference/vars.ts';
import { ResMap } from '../resource/res-map.ts';
import { emptyTransformerConfig, mergeConfigs, type TransformerConfig } from '../transform/transformer-config.ts';

/** What has come together so far: objects, where their fields are, and vars (kustomize v5.8.1 ResAccumulator). */
export class Accumulator {
  readonly map: ResMap = new ResMap();
  config: TransformerConfig = emptyTransformerConfig;
  vars: VarSet = new Map();

  /** Takes over all of another one; `ids` as for `ResMap.appendAll`. Throws KustomizeError where both have the same. */
  absorb(other: Accumulator, ids?: Set<string>): void {
    this.map.appendAll(other.map.resources, ids);
    this.mergeConfig(other.config, 'merging config');
    this.vars = mergeVars(this.vars, other.vars);
  }

  mergeConfig(config: TransformerConfig, what: string): void {
    try {
      this.config = mergeConfigs(this.config, config);
    } catch (error) {
      throw prefixed(what, error);
    }
  }
}
