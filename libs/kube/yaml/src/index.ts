export { formatYaml } from './format-yaml.ts';
export { defaultManifestLimits, type ManifestLimits } from './limits.ts';
export { objectProblem, openLists } from './object-shape.ts';
export { parseDocuments, parseManifests, type LocatedObject, type LocatedValue, type ParsedManifests, type ParseOptions } from './parse-manifests.ts';
export { formatProblem, type ManifestProblem } from './problem.ts';
