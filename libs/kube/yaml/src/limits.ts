import { LIMITS } from '@tiphys/kernel';

/** Bounds of one text of manifests. */
export interface ManifestLimits {
  readonly maxBytes: number;
  readonly maxDepth: number;
  readonly maxObjects: number;
  /** Nodes that alias expansion may add to one document. */
  readonly maxAliasNodes: number;
}

/** The bounds of a file in a repository. */
export const defaultManifestLimits: ManifestLimits = {
  maxBytes: LIMITS.manifestFileBytes,
  maxDepth: LIMITS.manifestDepth,
  maxObjects: LIMITS.renderObjects,
  maxAliasNodes: LIMITS.yamlAliasNodes,
};
