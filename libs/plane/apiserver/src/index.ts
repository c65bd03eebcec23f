export type { OidcOptions } from './auth/oidc.ts';
export type { ContainerTarget, ExecOptions, ExecStreams, LogOptions, NodeBackend, NodeRegistry, PortStream, TerminalSize } from './nodes.ts';
export { defaultApiServerOptions, startApiServer, type ApiServer, type ApiServerOptions } from './server.ts';
