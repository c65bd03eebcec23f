import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import { messageOf } from '@tiphys/kernel';
import type { ApiServerOptions } from '@tiphys/plane-apiserver';
import { CliError } from '../cli/cli-error.ts';

/** Options of every command that runs a control plane. */
export interface PlaneServerOptions {
  readonly auditPolicyFile?: string;
  readonly auditLogPath?: string;
  readonly encryptionProviderConfig?: string;
  readonly tokenAuthFile?: string;
  readonly oidcIssuerUrl?: string;
  readonly oidcClientId?: readonly string[];
  readonly oidcUsernameClaim?: string;
  readonly oidcUsernamePrefix?: string;
  readonly oidcGroupsClaim?: string;
  readonly oidcGroupsPrefix?: string;
  readonly oidcRequiredClaim?: readonly string[];
  readonly oidcCaFile?: string;
}

/** What of the API server's options these make. */
export type PlaneServerSettings = Pick<ApiServerOptions, 'audit' | 'encryption' | 'tokenFile' | 'oidc'>;

/** Adds the options of the bundled API server, named as kube-apiserver names them. */
export function withPlaneServerOptions(command: Command): Command {
  const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];
  return command
    .option('--audit-policy-file <file>', 'record requests to the Kubernetes API as this Policy (audit.k8s.io/v1) says')
    .option('--audit-log-path <file>', 'where they are recorded; needs --audit-policy-file')
    .option('--encryption-provider-config <file>', 'keep resources encrypted as this EncryptionConfiguration (apiserver.config.k8s.io/v1) says')
    .option('--token-auth-file <file>', 'accept these tokens: token,user,uid,"group1,group2" a line')
    .option('--oidc-issuer-url <url>', 'accept ID tokens of this OpenID Connect provider', parseHttps)
    .option('--oidc-client-id <id>', 'audience such a token has to have; may be given several times', collect)
    .option('--oidc-username-claim <claim>', 'claim that is the name of the user (default: sub)')
    .option('--oidc-username-prefix <prefix>', 'put before the name; - for nothing (default: the issuer and #)')
    .option('--oidc-groups-claim <claim>', 'claim that is the groups of the user')
    .option('--oidc-groups-prefix <prefix>', 'put before each group')
    .option('--oidc-required-claim <key=value>', 'claim a token has to have; may be given several times', collect)
    .option('--oidc-ca-file <file>', "authorities of the provider's certificate (default: those of this machine)");
}

function parseHttps(text: string): string {
  if (!URL.canParse(text) || new URL(text).protocol !== 'https:') throw new InvalidArgumentError('must be an https URL');
  return text;
}

/** Reads the files the options name. Throws CliError. */
export async function loadPlaneServerSettings(options: PlaneServerOptions): Promise<PlaneServerSettings> {
  if ((options.auditPolicyFile === undefined) !== (options.auditLogPath === undefined))
    throw new CliError({ code: 'usage' }, '--audit-policy-file and --audit-log-path need each other');
  // Loaded when needed: most commands never run a server.
  const { parseAuditPolicy, parseEncryptionConfiguration } = await import('@tiphys/plane-apiserver');
  const policy = await parsed('--audit-policy-file', options.auditPolicyFile, parseAuditPolicy);
  const encryption = await parsed('--encryption-provider-config', options.encryptionProviderConfig, parseEncryptionConfiguration);
  const tokenFile = await parsed('--token-auth-file', options.tokenAuthFile, (text) => text);
  const oidc = await oidcOf(options);
  return {
    ...(policy === undefined || options.auditLogPath === undefined ? {} : { audit: { policy, file: { path: resolve(options.auditLogPath) } } }),
    ...(encryption === undefined ? {} : { encryption }),
    ...(tokenFile === undefined ? {} : { tokenFile }),
    ...(oidc === undefined ? {} : { oidc }),
  };
}

async function oidcOf(options: PlaneServerOptions): Promise<PlaneServerSettings['oidc']> {
  const { oidcIssuerUrl: issuerUrl, oidcClientId: clientIds = [] } = options;
  if (issuerUrl === undefined) return undefined;
  if (clientIds.length === 0) throw new CliError({ code: 'usage' }, '--oidc-issuer-url needs --oidc-client-id');
  const caPem = await parsed('--oidc-ca-file', options.oidcCaFile, (text) => text);
  const required = (options.oidcRequiredClaim ?? []).map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)] as const);
  return {
    issuerUrl,
    clientIds,
    ...(options.oidcUsernameClaim === undefined ? {} : { usernameClaim: options.oidcUsernameClaim }),
    ...(options.oidcUsernamePrefix === undefined ? {} : { usernamePrefix: options.oidcUsernamePrefix }),
    ...(options.oidcGroupsClaim === undefined ? {} : { groupsClaim: options.oidcGroupsClaim }),
    ...(options.oidcGroupsPrefix === undefined ? {} : { groupsPrefix: options.oidcGroupsPrefix }),
    ...(required.length === 0 ? {} : { requiredClaims: Object.fromEntries(required) }),
    ...(caPem === undefined ? {} : { caPem }),
  };
}

async function parsed<T>(flag: string, file: string | undefined, parse: (text: string) => T): Promise<T | undefined> {
  if (file === undefined) return undefined;
  try {
    return parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new CliError({ code: 'usage' }, `${flag} ${file}: ${messageOf(error)}`, { cause: error });
  }
}
