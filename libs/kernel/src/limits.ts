/** Bounds every door shares. A limit is a named constant, so an error can name it. */
export const LIMITS: Readonly<
  Record<'requestBodyBytes' | 'manifestFileBytes' | 'renderOutputBytes' | 'renderObjects' | 'manifestDepth' | 'yamlAliasNodes' | 'webhookBodyBytes', number>
> = {
  /** One request body to the Kubernetes API (apiserver's MaxRequestBodyBytes). */
  requestBodyBytes: 3 * 1024 * 1024,
  /** One manifest file read from a repository. */
  manifestFileBytes: 10 * 1024 * 1024,
  /** All manifests of one render together. */
  renderOutputBytes: 64 * 1024 * 1024,
  /** Objects of one render. */
  renderObjects: 20_000,
  /** Nesting of a manifest. */
  manifestDepth: 200,
  /** Nodes an alias expansion of one YAML document may create. */
  yamlAliasNodes: 100_000,
  /** One webhook body. */
  webhookBodyBytes: 5 * 1024 * 1024,
};
