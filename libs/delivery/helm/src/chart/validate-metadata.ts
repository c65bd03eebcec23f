import type { ChartDependency, ChartMetadata } from './metadata.ts';
import { quote } from '../go/strconv.ts';
import { isLooseVersion } from './version-range.ts';

const ALIAS = /^[a-zA-Z0-9_-]+$/;
const SPACE = /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/gu;
const UNPRINTABLE = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu;

function sanitize(text: string): string {
  return text.replace(SPACE, ' ').replace(UNPRINTABLE, '');
}

function fail(message: string): never {
  throw new Error(`validation: ${message}`);
}

/** Cleans the texts of Chart.yaml and checks them as Helm does. Throws an Error with Helm's words. */
export function validateMetadata(raw: ChartMetadata): ChartMetadata {
  const metadata: ChartMetadata = {
    ...raw,
    name: sanitize(raw.name),
    description: sanitize(raw.description),
    home: sanitize(raw.home),
    icon: sanitize(raw.icon),
    condition: sanitize(raw.condition),
    tags: sanitize(raw.tags),
    appVersion: sanitize(raw.appVersion),
    kubeVersion: sanitize(raw.kubeVersion),
    sources: raw.sources.map(sanitize),
    keywords: raw.keywords.map(sanitize),
    maintainers: raw.maintainers.map(({ name, email, url }) => ({ name: sanitize(name), email: sanitize(email), url: sanitize(url) })),
    dependencies: raw.dependencies?.map(sanitizeDependency),
  };
  checkNames(metadata);
  checkDependencies(metadata.dependencies ?? []);
  return metadata;
}

function checkNames({ apiVersion, name, version, type }: ChartMetadata): void {
  if (apiVersion === '') fail('chart.metadata.apiVersion is required');
  if (name === '') fail('chart.metadata.name is required');
  if (name === '.' || name === '..') fail(`chart.metadata.name ${quote(name)} is not allowed`);
  if (name.includes('/')) fail(`chart.metadata.name ${quote(name)} is invalid`);
  if (version === '') fail('chart.metadata.version is required');
  if (!isLooseVersion(version)) fail(`chart.metadata.version ${quote(version)} is invalid`);
  if (!['', 'application', 'library'].includes(type)) fail('chart.metadata.type must be application or library');
}

function sanitizeDependency(dependency: ChartDependency): ChartDependency {
  return {
    ...dependency,
    name: sanitize(dependency.name),
    version: sanitize(dependency.version),
    repository: sanitize(dependency.repository),
    condition: sanitize(dependency.condition),
    tags: dependency.tags.map(sanitize),
  };
}

function checkDependencies(dependencies: readonly ChartDependency[]): void {
  const seen = new Set<string>();
  for (const { name, alias } of dependencies) {
    if (alias !== '' && !ALIAS.test(alias)) fail(`dependency ${quote(name)} has disallowed characters in the alias`);
    const key = alias === '' ? name : alias;
    if (seen.has(key)) fail(`more than one dependency with name or alias ${quote(key)}`);
    seen.add(key);
  }
}
