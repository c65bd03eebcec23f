import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DomainError, type Clock, type Logger } from '@tiphys/kernel';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import helmet from 'helmet';
import { ApiError, toErrorAnswer } from './api-error.ts';
import type { DeliveryBackend } from './backend.ts';
import { setCaller, type RouteContext } from './context.ts';
import { ApplicationEventLog } from './event-stream.ts';
import { applicationRoutes } from './routes/applications.ts';
import { operationRoutes } from './routes/operations.ts';
import { resourceActionRoutes } from './routes/resource-actions.ts';
import { resourceRoutes } from './routes/resources.ts';
import { sessionRoutes } from './routes/session.ts';
import { applicationSetRoutes } from './routes/application-sets.ts';
import { projectRoutes } from './routes/projects.ts';
import { settingsRoutes } from './routes/settings.ts';
import { streamRoutes } from './routes/streams.ts';
import { webhookRoutes } from './routes/webhook.ts';
import { Sessions, type LocalAccount } from './sessions.ts';

/** How the delivery API is served. */
export interface DeliveryApiOptions {
  readonly backend: DeliveryBackend;
  readonly accounts: readonly LocalAccount[];
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Folder of the built console; without it only the API is served. */
  readonly consoleDirectory?: string;
  /** Host names the server may be called by, besides its own address and localhost. */
  readonly allowedHosts?: readonly string[];
  readonly version: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A running API. */
export interface DeliveryApi {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** The port could not be opened. */
export class ListenError extends DomainError<{ readonly code: 'addressInUse' | 'cannotListen'; readonly host: string; readonly port: number }> {
  override readonly name = 'ListenError';
}

const JSON_LIMIT = '3mb';

/** Starts the REST and event-stream API with the console. Throws ListenError. */
export async function startDeliveryApi(options: DeliveryApiOptions): Promise<DeliveryApi> {
  const { backend, clock, logger } = options;
  const stop = new AbortController();
  const events = new ApplicationEventLog(randomBytes(6).toString('hex'), () => backend.applications.list());
  const unsubscribe = [backend.applications.onEvent((event) => events.recordApplication(event)), backend.runs.onEvent((event) => events.recordRun(event))];
  const context: RouteContext = {
    backend,
    clock,
    logger,
    events,
    sessions: new Sessions(options.accounts, clock),
    version: options.version,
    signal: stop.signal,
  };
  const server = createServer({ requestTimeout: 60_000, headersTimeout: 20_000 }, createApp(context, options));
  await listen(server, options);
  const { port } = server.address() as AddressInfo; // A TCP server that listens has such an address.
  return {
    port,
    url: `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`,
    close: async () => {
      for (const end of unsubscribe) end();
      stop.abort();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function listen(server: Server, { host, port }: DeliveryApiOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const code = cause.code === 'EADDRINUSE' ? 'addressInUse' : 'cannotListen';
      reject(
        new ListenError({ code, host, port }, `${host}:${port}: ${code === 'addressInUse' ? 'the port is in use' : cause.message}`, {
          cause,
          hint: 'choose another with --port',
        }),
      );
    });
    server.listen(port, host, () => resolve());
  });
}

function createApp(context: RouteContext, options: DeliveryApiOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('query parser', 'simple');
  app.use(
    helmet({
      contentSecurityPolicy: {
        directives: {
          'default-src': ["'self'"],
          'script-src': ["'self'"],
          'style-src': ["'self'", "'unsafe-inline'"],
          'img-src': ["'self'", 'data:'],
          'connect-src': ["'self'"],
          'frame-ancestors': ["'none'"],
          'upgrade-insecure-requests': null,
        },
      },
      strictTransportSecurity: false,
    }),
  );
  app.use(hostGuard(options));
  app.get('/healthz', (_request, response) => void response.type('text').send('ok'));
  app.get('/api/version', (_request, response) => void response.json({ Version: options.version }));
  app.use('/api/webhook', webhookRoutes(context));
  app.use('/api', contentTypeGuard, express.json({ limit: JSON_LIMIT, strict: false }));
  app.use('/api/v1/session', sessionRoutes(context));
  app.use('/api', authenticate(context));
  app.use('/api/v1/stream', streamRoutes(context));
  app.use('/api/v1/applications', applicationRoutes(context), operationRoutes(context), resourceRoutes(context), resourceActionRoutes(context));
  app.use('/api/v1/applicationsets', applicationSetRoutes(context));
  app.use('/api/v1/projects', projectRoutes(context));
  app.use('/api/v1', settingsRoutes(context));
  app.use('/api', () => {
    throw new ApiError({ code: 'notFound' }, 'no such path');
  });
  if (options.consoleDirectory !== undefined) serveConsole(app, options.consoleDirectory);
  app.use(errorHandler(context));
  return app;
}

// A page elsewhere that points its name at this address (DNS rebinding) calls by a host we do not know.
function hostGuard({ host, allowedHosts = [] }: DeliveryApiOptions): (request: Request, response: Response, next: NextFunction) => void {
  const isOpen = host === '0.0.0.0' || host === '::';
  const known = new Set([host, 'localhost', '127.0.0.1', '[::1]', ...allowedHosts]);
  return (request, _response, next) => {
    const name = (request.headers.host ?? '').replace(/:\d+$/, '');
    if (isOpen || known.has(name)) next();
    else next(new ApiError({ code: 'forbidden' }, `host "${name}" is not served here`));
  };
}

// Browsers send other sites' forms only with simple content types: demanding JSON keeps them out (CVE-2024-22424).
function contentTypeGuard(request: Request, _response: Response, next: NextFunction): void {
  const hasBody = request.headers['content-length'] !== undefined && request.headers['content-length'] !== '0';
  if (['GET', 'HEAD', 'OPTIONS'].includes(request.method) || request.is('application/json') !== false) next();
  else if (
    !hasBody &&
    request.headers['transfer-encoding'] === undefined &&
    (request.headers.authorization !== undefined || request.headers['x-requested-with'] !== undefined)
  )
    next();
  else next(new ApiError({ code: 'unsupportedMediaType' }, 'requests that change something must be application/json'));
}

function authenticate({ sessions }: RouteContext): (request: Request, response: Response, next: NextFunction) => void {
  return (request, response, next) => {
    const caller = sessions.callerOf(request.headers);
    if (caller === undefined) {
      next(new ApiError({ code: 'unauthenticated' }, 'no valid token', { hint: 'send Authorization: Bearer <token>' }));
      return;
    }
    setCaller(response, caller);
    next();
  };
}

function serveConsole(app: Express, directory: string): void {
  app.use(express.static(directory, { index: false, maxAge: '1y', immutable: true, redirect: false }));
  app.get('/{*path}', (_request, response) => response.sendFile('index.html', { root: directory, headers: { 'cache-control': 'no-cache' } }));
}

function errorHandler(context: RouteContext): (error: unknown, request: Request, response: Response, next: NextFunction) => void {
  return (error, request, response, _next) => {
    const { status, body, internal } = toErrorAnswer(error);
    if (internal) context.logger.error({ err: error, method: request.method, path: request.path }, 'request failed');
    if (response.headersSent) response.destroy();
    else response.status(status).json(body);
  };
}
