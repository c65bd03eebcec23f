/** Annotations Kustomize keeps its own record in while it builds (kustomize v5.8.1 api/internal/utils/annotations.go). */
export const BUILD = {
  previousKinds: 'internal.config.kubernetes.io/previousKinds',
  previousNames: 'internal.config.kubernetes.io/previousNames',
  previousNamespaces: 'internal.config.kubernetes.io/previousNamespaces',
  prefixes: 'internal.config.kubernetes.io/prefixes',
  suffixes: 'internal.config.kubernetes.io/suffixes',
  refBy: 'internal.config.kubernetes.io/refBy',
  behavior: 'internal.config.kubernetes.io/generatorBehavior',
  needsHash: 'internal.config.kubernetes.io/needsHashSuffix',
  allowNameChange: 'internal.config.kubernetes.io/allowNameChange',
  allowKindChange: 'internal.config.kubernetes.io/allowKindChange',
  helmGenerated: 'internal.config.kubernetes.io/helm-generated',
} as const;

/** All of them, and those of files that went through other tools: none is in the output. */
export const BUILD_ANNOTATIONS: readonly string[] = [
  ...Object.values(BUILD),
  'internal.config.kubernetes.io/path',
  'internal.config.kubernetes.io/index',
  'internal.config.kubernetes.io/seqindent',
  'internal.config.kubernetes.io/id',
  'internal.config.kubernetes.io/annotations-migration-resource-id',
  'config.kubernetes.io/path',
  'config.kubernetes.io/index',
  'config.k8s.io/id',
];

/** Prefix of annotations a JSON patch may not lose. */
export const INTERNAL_PREFIX = 'internal.config.kubernetes.io';

export const ORIGIN = 'config.kubernetes.io/origin';
export const TRANSFORMATIONS = 'alpha.config.kubernetes.io/transformations';
export const LOCAL_CONFIG = 'config.kubernetes.io/local-config';
export const ENABLED = 'enabled';
