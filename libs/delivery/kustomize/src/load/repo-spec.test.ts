import { describe, expect, it } from 'vitest';
import { KustomizeError } from '../kustomize-error.ts';
import { parseRepoSpec } from './repo-spec.ts';

// Pairs of kustomize v5.8.1 api/internal/git/repospec_test.go.
const URLS: readonly (readonly [url: string, repository: string, path: string, revision: string])[] = [
  ['https://git-codecommit.us-east-2.amazonaws.com/someorg/somerepo/somedir', 'https://git-codecommit.us-east-2.amazonaws.com/someorg/somerepo', 'somedir', ''],
  ['github.com/someorg/somerepo/somedir?ref=main', 'https://github.com/someorg/somerepo', 'somedir', 'main'],
  ['git::https://gitlab.com/org/repo//some/path?version=v1', 'https://gitlab.com/org/repo', 'some/path', 'v1'],
  ['git@github.com:org/repo.git/path?ref=t', 'git@github.com:org/repo.git', 'path', 't'],
  ['ssh://git@github.com/org/repo//path', 'git@github.com:org/repo', 'path', ''],
  ['https://fabrikops2.visualstudio.com/someorg/_git/repo/path?ref=b', 'https://fabrikops2.visualstudio.com/someorg/_git/repo', 'path', 'b'],
  ['file:///srv/repo//path', 'file:///srv/repo', 'path', ''],
];

describe('parseRepoSpec', () => {
  it.each(URLS)('reads %s', (url, repository, path, revision) => {
    expect(parseRepoSpec(url)).toMatchObject({ repository, path, revision, submodules: true });
  });

  it.each(['/absolute', '../base', 'base', 'https://host', 'github.com/org', 'htxxtp://github.com/', 'https://host/org/repo//../../x'])(
    'takes %s for no repository',
    (text) => {
      expect(parseRepoSpec(text)).toBeInstanceOf(KustomizeError);
    },
  );
});
