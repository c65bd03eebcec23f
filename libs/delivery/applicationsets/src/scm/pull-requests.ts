import { normalizeName } from '@tiphys/delivery-helm';
import type { JsonValue } from '@tiphys/kube-model';
import type { ForgeGenerator, Parameters } from '../application-set.ts';
import { isGo, type GeneratorContext } from '../generators/context.ts';
import { withValues } from '../generators/values.ts';
import { pattern } from './filters.ts';
import { ForgeAnswerError, type ForgePullRequest } from './forge.ts';
import { forgeOf } from './repositories.ts';

/** One set of parameters for each open pull or merge request (applicationset/generators/pull_request.go). Throws GenerateError. */
export async function pullRequestParameters(generator: ForgeGenerator, context: GeneratorContext): Promise<readonly Parameters[]> {
  const requests = await openRequests(generator, context);
  const filters = (generator.filters ?? []).map((filter) => ({
    isBranch: pattern(filter, 'branchMatch'),
    isTarget: pattern(filter, 'targetBranchMatch'),
    isTitle: pattern(filter, 'titleMatch'),
  }));
  const passes = ({ branch, targetBranch, title }: ForgePullRequest): boolean =>
    filters.length === 0 || filters.some(({ isBranch, isTarget, isTitle }) => isBranch(branch) && isTarget(targetBranch) && isTitle(title));
  return requests.filter(passes).map((request) => withValues(parametersOf(request, isGo(context)), generator.values, context));
}

async function openRequests(generator: ForgeGenerator, context: GeneratorContext): Promise<readonly ForgePullRequest[]> {
  try {
    return await forgeOf('pullRequest', generator, context).pullRequests();
  } catch (error) {
    if (generator.continueOnRepoNotFoundError === true && error instanceof ForgeAnswerError && error.status === 404) return [];
    throw error;
  }
}

function parametersOf({ number, title, branch, targetBranch, headSha, labels, author }: ForgePullRequest, asGo: boolean): Parameters {
  const lists: Readonly<Record<string, JsonValue>> = asGo ? { labels } : {};
  return {
    number: String(number),
    title,
    branch,
    branch_slug: slug(branch),
    target_branch: targetBranch,
    target_branch_slug: slug(targetBranch),
    head_sha: headSha,
    head_short_sha: headSha.slice(0, 8),
    head_short_sha_7: headSha.slice(0, 7),
    author,
    ...lists,
  };
}

// At most 50 characters, as argo-cd cuts them for host names.
function slug(branch: string): string {
  return normalizeName(branch).replaceAll('.', '-').slice(0, 50).replaceAll(/-+$/g, '');
}
