import { defaultProject, type ProjectSpec } from '@tiphys/delivery-applications';
import { describe, expect, it } from 'vitest';
import { demandsSignatures, mustBeSigned } from './source-integrity.ts';

const project = (spec: ProjectSpec) => ({ ...defaultProject, spec: { ...defaultProject.spec, ...spec } });
const signed = project({ signatureKeys: [{ keyID: 'K' }] });
const signal = new AbortController().signal;
const source = { repoURL: 'https://host/x' };

describe('source integrity', () => {
  it.each<[ProjectSpec, boolean]>([
    [{}, false],
    [{ signatureKeys: [] }, false],
    [{ signatureKeys: [{ keyID: 'K' }] }, true],
    [{ sourceIntegrity: { git: { policies: [] } } }, false],
    [{ sourceIntegrity: { git: { policies: [{ repos: [{ url: '*' }], gpg: { mode: 'head', keys: ['K'] } }] } } }, true],
  ])('%j demands signatures: %s', (spec, demands) => expect(demandsSignatures(project(spec))).toBe(demands));
  it('deploys nothing that nobody can verify', async () => {
    await expect(mustBeSigned(defaultProject, [source], ['c'], undefined, signal)).resolves.toBeUndefined();
    await expect(mustBeSigned(signed, [source], ['c'], undefined, signal)).rejects.toThrow('cannot be verified by this controller');
    await expect(mustBeSigned(signed, [source], ['c'], () => Promise.resolve('signed by nobody known'), signal)).rejects.toThrow(
      'https://host/x: signed by nobody known',
    );
    await expect(
      mustBeSigned(signed, [source], ['c'], (_project, _source, revision) => Promise.resolve(revision === 'c' ? undefined : 'other'), signal),
    ).resolves.toBeUndefined();
  });
});
