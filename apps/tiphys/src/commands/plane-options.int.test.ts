import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadPlaneServerSettings, withPlaneServerOptions, type PlaneServerOptions, type PlaneServerSettings } from './plane-options.ts';

const dir = mkdtempSync(join(tmpdir(), 'tiphys-options-'));
const file = (name: string, text: string): string => {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
};
let policy: string;
beforeAll(() => (policy = file('policy.yaml', 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n')));
afterAll(() => rmSync(dir, { recursive: true }));

async function load(...args: readonly string[]): Promise<PlaneServerSettings> {
  const command = withPlaneServerOptions(new Command().exitOverride().configureOutput({ writeErr: () => undefined }));
  return await loadPlaneServerSettings(command.parse(args, { from: 'user' }).opts<PlaneServerOptions>());
}

describe('options of the bundled API server', () => {
  it('become its settings', async () => {
    expect(await load()).toEqual({});
    const tokens = file('tokens', 'x,kim,1\n');
    const settings = await load('--audit-policy-file', policy, '--audit-log-path', join(dir, 'audit.log'), '--token-auth-file', tokens);
    expect(settings).toMatchObject({ audit: { policy: { rules: [{ level: 'Metadata' }] }, file: { path: join(dir, 'audit.log') } }, tokenFile: 'x,kim,1\n' });
    const oidc = [
      '--oidc-issuer-url',
      'https://id.acme.io',
      '--oidc-client-id',
      'a',
      '--oidc-client-id',
      'b',
      '--oidc-groups-claim',
      'roles',
      '--oidc-required-claim',
      'hd=acme.io',
    ];
    expect((await load(...oidc)).oidc).toEqual({
      issuerUrl: 'https://id.acme.io',
      clientIds: ['a', 'b'],
      groupsClaim: 'roles',
      requiredClaims: { hd: 'acme.io' },
    });
  });

  it('are refused by name when they do not fit, and show no key', async () => {
    await expect(load('--audit-policy-file', policy)).rejects.toThrow('--audit-policy-file and --audit-log-path need each other');
    await expect(load('--oidc-issuer-url', 'https://id.acme.io')).rejects.toThrow('needs --oidc-client-id');
    await expect(load('--oidc-issuer-url', 'http://id.acme.io')).rejects.toThrow('must be an https URL');
    await expect(load('--encryption-provider-config', join(dir, 'none'))).rejects.toThrow('--encryption-provider-config');
    const keys =
      'apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources: [{resources: [secrets], providers: [{aesgcm: {keys: [{name: a, secret: c2hvcnQ=}]}}]}]\n';
    const refused = load('--encryption-provider-config', file('keys.yaml', keys));
    await expect(refused).rejects.toThrow('resources[0].providers[0].aesgcm.keys[0].secret: must be 16, 24, 32 bytes in base64');
    await expect(refused).rejects.not.toThrow('c2hvcnQ');
  });
});
