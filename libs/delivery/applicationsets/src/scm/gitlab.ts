import { fieldAt, type JsonObject } from '@tiphys/kube-model';
import type { GeneratorContext } from '../generators/context.ts';
import { flagField, ForgeApi, textField, textsField, tlsFields, tokenField, type Forge } from './forge.ts';

const text = (value: unknown, ...path: readonly string[]): string => {
  const found = fieldAt(value, ...path);
  return typeof found === 'string' || typeof found === 'number' ? String(found) : '';
};

/** GitLab, by its REST API v4 (docs.gitlab.com/api: groups, branches, repository_files, merge_requests). */
export function gitlabForge(block: JsonObject, context: GeneratorContext): Forge {
  const token = tokenField(block, context);
  const api = new ForgeApi(context, {
    name: 'gitlab',
    base: `${(textField(block, 'api') || 'https://gitlab.com').replace(/\/$/, '')}/api/v4`,
    headers: { accept: 'application/json', ...(token === '' ? {} : { 'private-token': token }) },
    tls: tlsFields(block, context),
  });
  return {
    async repositories() {
      const query = new URLSearchParams({
        per_page: '100',
        include_subgroups: String(flagField(block, 'includeSubgroups')),
        with_shared: String(block['includeSharedProjects'] !== false),
        ...(flagField(block, 'includeArchivedRepos') ? {} : { archived: 'false' }),
        ...(textField(block, 'topic') === '' ? {} : { topic: textField(block, 'topic') }),
      });
      const all = await api.all(`/groups/${encodeURIComponent(textField(block, 'group'))}/projects?${query.toString()}`);
      const branched = await Promise.all(all.map(async (project) => (await branchesOf(project)).map((branch) => ({ project, branch }))));
      return branched.flat().map(({ project, branch }) => ({
        organization: text(project, 'namespace', 'full_path'),
        repository: text(project, 'path'),
        repositoryId: text(project, 'id'),
        httpsUrl: text(project, 'http_url_to_repo'),
        sshUrl: text(project, 'ssh_url_to_repo'),
        branch: text(branch, 'name'),
        sha: text(branch, 'commit', 'id'),
        labels: textsField(project, 'topics'),
      }));
    },
    async hasPath({ repositoryId, branch }, path) {
      const folder = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
      // The tree of the folder above tells of files and folders alike.
      const place = `/projects/${repositoryId}/repository/tree?per_page=100&ref=${encodeURIComponent(branch)}&path=${encodeURIComponent(folder)}`;
      if (!(await api.exists(place))) return false;
      return (await api.all(place)).some((entry) => text(entry, 'path') === path);
    },
    async pullRequests() {
      const state = textField(block, 'pullRequestState') || 'opened';
      const labels = textsField(block, 'labels');
      const query = new URLSearchParams({ per_page: '100', state, ...(labels.length === 0 ? {} : { labels: labels.join(',') }) });
      return (await api.all(`/projects/${encodeURIComponent(textField(block, 'project'))}/merge_requests?${query.toString()}`)).map((request) => ({
        number: Number(request['iid']),
        title: text(request, 'title'),
        branch: text(request, 'source_branch'),
        targetBranch: text(request, 'target_branch'),
        headSha: text(request, 'sha'),
        labels: textsField(request, 'labels'),
        author: text(request, 'author', 'username'),
      }));
    },
  };

  async function branchesOf(project: JsonObject): Promise<readonly JsonObject[]> {
    const all = await api.all(`/projects/${text(project, 'id')}/repository/branches?per_page=100`);
    return flagField(block, 'allBranches') ? all : all.filter((branch) => text(branch, 'name') === text(project, 'default_branch'));
  }
}
