import { fieldAt, type JsonObject } from '@tiphys/kube-model';
import { GenerateError } from '../generate-error.ts';
import type { GeneratorContext } from '../generators/context.ts';
import { flagField, ForgeApi, textField, textsField, tlsFields, tokenField, type Forge, type ForgeRepository } from './forge.ts';

const text = (value: unknown, ...path: readonly string[]): string => {
  const found = fieldAt(value, ...path);
  return typeof found === 'string' || typeof found === 'number' ? String(found) : '';
};
const names = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map((label: unknown) => text(label, 'name')) : []);

/** GitHub, by its REST API (docs.github.com/rest: repos, branches, contents, pulls). */
export function githubForge(block: JsonObject, context: GeneratorContext): Forge {
  if (textField(block, 'appSecretName') !== '')
    throw new GenerateError({ code: 'invalid' }, 'github: appSecretName is not supported yet', { hint: 'use tokenRef' });
  const token = tokenField(block, context);
  const api = new ForgeApi(context, {
    name: 'github',
    base: textField(block, 'api') || 'https://api.github.com',
    headers: { accept: 'application/vnd.github+json', 'user-agent': 'tiphys', ...(token === '' ? {} : { authorization: `Bearer ${token}` }) },
    tls: tlsFields(block, context),
  });
  const organization = textField(block, 'organization');
  return {
    async repositories() {
      const all = await api.all(`/orgs/${encodeURIComponent(organization)}/repos?per_page=100`);
      const kept = all.filter((repository) => !(flagField(block, 'excludeArchivedRepos') && repository['archived'] === true));
      const branched = await Promise.all(kept.map(async (repository) => (await branchesOf(repository)).map((branch) => ({ repository, branch }))));
      return branched.flat().map(({ repository, branch }) => ({
        organization: text(repository, 'owner', 'login'),
        repository: text(repository, 'name'),
        repositoryId: text(repository, 'id'),
        httpsUrl: text(repository, 'clone_url'),
        sshUrl: text(repository, 'ssh_url'),
        branch: text(branch, 'name'),
        sha: text(branch, 'commit', 'sha'),
        labels: textsField(repository, 'topics'),
      }));
    },
    hasPath: ({ repository, branch }: ForgeRepository, path: string) =>
      api.exists(
        `/repos/${encodeURIComponent(organization)}/${encodeURIComponent(repository)}/contents/${path.split('/').map(encodeURIComponent).join('/')}?ref=${encodeURIComponent(branch)}`,
      ),
    async pullRequests() {
      const place = `/repos/${encodeURIComponent(textField(block, 'owner'))}/${encodeURIComponent(textField(block, 'repo'))}/pulls?state=open&per_page=100`;
      const wanted = textsField(block, 'labels');
      return (await api.all(place))
        .map((pull) => ({
          number: Number(pull['number']),
          title: text(pull, 'title'),
          branch: text(pull, 'head', 'ref'),
          targetBranch: text(pull, 'base', 'ref'),
          headSha: text(pull, 'head', 'sha'),
          labels: names(pull['labels']),
          author: text(pull, 'user', 'login'),
        }))
        .filter(({ labels }) => wanted.every((label) => labels.includes(label)));
    },
  };

  async function branchesOf(repository: JsonObject): Promise<readonly JsonObject[]> {
    const place = `/repos/${encodeURIComponent(organization)}/${encodeURIComponent(text(repository, 'name'))}/branches`;
    const all = await api.all(`${place}?per_page=100`);
    return flagField(block, 'allBranches') ? all : all.filter((branch) => text(branch, 'name') === text(repository, 'default_branch'));
  }
}
