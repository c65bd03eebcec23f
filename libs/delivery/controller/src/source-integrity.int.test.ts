import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { defaultProject, type ProjectSpec } from '@tiphys/delivery-applications';
import { createRepositoryStore, type Repository } from '@tiphys/delivery-git';
import { createGitRepo, findProgram, type GitRepo } from '@tiphys/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demandsSignatures, mustBeSigned } from './source-integrity.ts';

const keygen = findProgram({ name: 'ssh-keygen', package: 'openssh-client' }, process.env);
const signal = AbortSignal.timeout(60_000);
const project = (spec: ProjectSpec) => ({ ...defaultProject, spec: { ...defaultProject.spec, ...spec } });
const policy = (mode: string, url: string, keys: readonly string[]): ProjectSpec => ({
  sourceIntegrity: { git: { policies: [{ repos: [{ url }], gpg: { mode, keys } }] } },
});

it.each<[ProjectSpec, boolean]>([
  [{}, false],
  [{ signatureKeys: [] }, false],
  [{ signatureKeys: [{ keyID: 'K' }] }, true],
  [{ sourceIntegrity: { git: { policies: [] } } }, false],
  [policy('none', '*', []), false],
  [policy('head', '*', ['K']), true],
])('%j demands signatures: %s', (spec, demands) => expect(demandsSignatures(project(spec))).toBe(demands));

describe.skipIf(keygen === undefined)('source integrity', () => {
  let folder: string;
  let repo: GitRepo;
  let repository: Repository;
  let unsigned: string;
  let signed: string;
  let fingerprint: string;
  let key: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'tiphys-integrity-'));
    repo = await createGitRepo(path.join(folder, 'repo'));
    unsigned = await repo.commit({ 'a.yaml': 'a: 1\n' }, 'unsigned');
    const file = path.join(folder, 'key');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]);
    await repo.git('-c', 'gpg.format=ssh', '-c', `user.signingkey=${file}`, 'commit', '--quiet', '--allow-empty', '-S', '-m', 'signed');
    signed = await repo.git('rev-parse', 'HEAD');
    key = await readFile(`${file}.pub`, 'utf8');
    fingerprint = execFileSync('ssh-keygen', ['-lf', `${file}.pub`], { encoding: 'utf8' }).split(' ')[1] ?? '';
    repository = await createRepositoryStore({ cacheDirectory: path.join(folder, 'cache') }).open(repo.directory);
    await repository.lsRemote(signal);
  });
  afterAll(async () => await rm(folder, { recursive: true, force: true }));

  const check = async (spec: ProjectSpec, commit: string, trusted: readonly string[] = [key]): Promise<string> => {
    const trust = { tlsCertificates: {}, sshKnownHosts: '', gpgKeys: {}, sshSigners: trusted };
    try {
      await mustBeSigned({ repoURL: repo.directory }, commit, { project: project(spec), repository, trust }, signal);
      return 'passes';
    } catch (error) {
      return String(error);
    }
  };

  it('lets through what a listed key signed', async () => {
    expect(await check({}, unsigned)).toBe('passes');
    const listed: ProjectSpec = { signatureKeys: [{ keyID: fingerprint }] };
    expect(await check(listed, signed)).toBe('passes');
    expect(await check(listed, unsigned)).toContain("is not signed, but project 'default' requires signatures");
    expect(await check(listed, signed, [])).toContain('is not trusted');
    expect(await check({ signatureKeys: [{ keyID: 'SHA256:other' }] }, signed)).toContain("which project 'default' does not list");
  });

  it('follows policies for repositories', async () => {
    expect(await check(policy('head', '*', [fingerprint]), signed)).toBe('passes');
    expect(await check(policy('head', '*', [fingerprint]), unsigned)).toContain('is not signed');
    expect(await check(policy('head', 'https://elsewhere/*', [fingerprint]), unsigned)).toBe('passes');
    expect(await check(policy('none', '*', []), unsigned)).toBe('passes');
    expect(await check(policy('strict', '*', [fingerprint]), signed)).toContain("mode 'strict' is not supported");
    expect(await check({ signatureKeys: [{ keyID: 'SHA256:other' }], ...policy('head', '*', [fingerprint]) }, signed)).toContain('does not list');
  });
});
