import { normalizeName } from '@tiphys/delivery-helm';
import type { JsonObject } from '@tiphys/kube-model';
import type { ForgeGenerator, Parameters } from '../application-set.ts';
import { GenerateError } from '../generate-error.ts';
import type { GeneratorContext } from '../generators/context.ts';
import { withValues } from '../generators/values.ts';
import { pattern } from './filters.ts';
import { noForge, textsField, type Forge, type ForgeRepository } from './forge.ts';
import { giteaForge } from './gitea.ts';
import { githubForge } from './github.ts';
import { gitlabForge } from './gitlab.ts';

/** One set of parameters for each repository of an organisation (applicationset/generators/scm_provider.go). Throws GenerateError. */
export async function scmProviderParameters(generator: ForgeGenerator, context: GeneratorContext): Promise<readonly Parameters[]> {
  const forge = forgeOf('scmProvider', generator, context);
  const repositories = await filtered(await forge.repositories(), generator.filters ?? [], forge);
  const protocol = generator.cloneProtocol ?? 'https';
  if (protocol !== 'https' && protocol !== 'ssh')
    throw new GenerateError({ code: 'invalid' }, `scmProvider generator: cloneProtocol ${protocol} is neither https nor ssh`);
  return repositories.map((repository) => withValues(parametersOf(repository, protocol), generator.values, context));
}

/** The forge a generator names. Throws GenerateError. */
export function forgeOf(kind: string, generator: ForgeGenerator, context: GeneratorContext): Forge {
  if (generator.github !== undefined) return githubForge(generator.github, context);
  if (generator.gitlab !== undefined) return gitlabForge(generator.gitlab, context);
  if (generator.gitea !== undefined) return giteaForge(generator.gitea, context);
  throw noForge(kind, generator);
}

function parametersOf(repository: ForgeRepository, protocol: 'https' | 'ssh'): Parameters {
  const { organization, branch, sha, labels } = repository;
  return {
    organization,
    repository: repository.repository,
    repository_id: repository.repositoryId,
    url: protocol === 'ssh' ? repository.sshUrl : repository.httpsUrl,
    branch,
    sha,
    short_sha: sha.slice(0, 8),
    short_sha_7: sha.slice(0, 7),
    labels: labels.join(','),
    branchNormalized: normalizeName(branch),
  };
}

// A repository passes if all conditions of one filter hold; without filters every one passes.
async function filtered(repositories: readonly ForgeRepository[], filters: readonly JsonObject[], forge: Forge): Promise<readonly ForgeRepository[]> {
  if (filters.length === 0) return repositories;
  const conditions = filters.map((filter) => ({
    isNamed: pattern(filter, 'repositoryMatch'),
    isBranch: pattern(filter, 'branchMatch'),
    isLabel: pattern(filter, 'labelMatch'),
    hasLabel: typeof filter['labelMatch'] === 'string',
    with: textsField(filter, 'pathsExist'),
    without: textsField(filter, 'pathsDoNotExist'),
  }));
  const kept: ForgeRepository[] = [];
  for (const repository of repositories) {
    for (const condition of conditions) {
      if (!condition.isNamed(repository.repository) || !condition.isBranch(repository.branch)) continue;
      if (condition.hasLabel && !repository.labels.some((label) => condition.isLabel(label))) continue;
      if (!(await allPaths(condition.with, repository, forge, true)) || !(await allPaths(condition.without, repository, forge, false))) continue;
      kept.push(repository);
      break;
    }
  }
  return kept;
}

async function allPaths(paths: readonly string[], repository: ForgeRepository, forge: Forge, mustExist: boolean): Promise<boolean> {
  for (const path of paths) if ((await forge.hasPath(repository, path)) !== mustExist) return false;
  return true;
}
