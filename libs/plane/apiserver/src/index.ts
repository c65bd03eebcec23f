export type { AuditFileOptions } from './audit/file-backend.ts';
export { parseAuditPolicy, type AuditPolicy } from './audit/policy.ts';
export type { OidcOptions } from './auth/oidc.ts';
export { parseEncryptionConfiguration, type EncryptionConfiguration } from './encryption/configuration.ts';
export type { ContainerTarget, ExecOptions, ExecStreams, LogOptions, NodeBackend, NodeRegistry, PortStream, TerminalSize } from './nodes.ts';
export { defaultApiServerOptions, startApiServer, type ApiServer, type ApiServerOptions } from './server.ts';
