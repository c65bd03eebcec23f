import { fieldAt, type JsonObject } from '@tiphys/kube-model';
import type { GeneratorContext } from '../generators/context.ts';
import { flagField, ForgeApi, textField, textsField, tlsFields, tokenField, type Forge } from './forge.ts';

const text = (value: unknown, ...path: readonly string[]): string => {
  const found = fieldAt(value, ...path);
  return typeof found === 'string' || typeof found === 'number' ? String(found) : '';
};

/** Gitea and Forgejo, by their REST API (docs.gitea.com/api/1.24: organization, repository). */
export function giteaForge(block: JsonObject, context: GeneratorContext): Forge {
  const token = tokenField(block, context);
  const owner = encodeURIComponent(textField(block, 'owner'));
  const api = new ForgeApi(context, {
    name: 'gitea',
    base: `${textField(block, 'api').replace(/\/$/, '')}/api/v1`,
    headers: { accept: 'application/json', ...(token === '' ? {} : { authorization: `token ${token}` }) },
    tls: tlsFields(block, context),
  });
  return {
    async repositories() {
      const all = (await api.all(`/orgs/${owner}/repos?limit=50`)).filter(
        (repository) => !(flagField(block, 'excludeArchivedRepos') && repository['archived'] === true),
      );
      const branched = await Promise.all(
        all.map(async (repository) => {
          const branches = await api.all(`/repos/${owner}/${encodeURIComponent(text(repository, 'name'))}/branches?limit=50`);
          const kept = flagField(block, 'allBranches') ? branches : branches.filter((branch) => text(branch, 'name') === text(repository, 'default_branch'));
          return kept.map((branch) => ({ repository, branch }));
        }),
      );
      return branched.flat().map(({ repository, branch }) => ({
        organization: text(repository, 'owner', 'login'),
        repository: text(repository, 'name'),
        repositoryId: text(repository, 'id'),
        httpsUrl: text(repository, 'clone_url'),
        sshUrl: text(repository, 'ssh_url'),
        branch: text(branch, 'name'),
        sha: text(branch, 'commit', 'id'),
        labels: textsField(repository, 'topics'),
      }));
    },
    hasPath: ({ repository, branch }, path) =>
      api.exists(
        `/repos/${owner}/${encodeURIComponent(repository)}/contents/${path.split('/').map(encodeURIComponent).join('/')}?ref=${encodeURIComponent(branch)}`,
      ),
    async pullRequests() {
      const wanted = textsField(block, 'labels');
      return (await api.all(`/repos/${owner}/${encodeURIComponent(textField(block, 'repo'))}/pulls?state=open&limit=50`))
        .map((pull) => ({
          number: Number(pull['number']),
          title: text(pull, 'title'),
          branch: text(pull, 'head', 'ref'),
          targetBranch: text(pull, 'base', 'ref'),
          headSha: text(pull, 'head', 'sha'),
          labels: Array.isArray(pull['labels']) ? pull['labels'].map((label: unknown) => text(label, 'name')) : [],
          author: text(pull, 'user', 'login'),
        }))
        .filter(({ labels }) => wanted.every((label) => labels.includes(label)));
    },
  };
}
