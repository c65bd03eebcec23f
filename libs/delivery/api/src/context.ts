import type { Application } from '@tiphys/delivery-applications';
import { abortReason, type Clock, type Logger } from '@tiphys/kernel';
import type { NextFunction, Request, Response } from 'express';
import { ApiError } from './api-error.ts';
import type { DeliveryBackend } from './backend.ts';
import type { ApplicationEventLog } from './event-stream.ts';
import type { Caller, Sessions } from './sessions.ts';

/** What every route works with. */
export interface RouteContext {
  readonly backend: DeliveryBackend;
  readonly sessions: Sessions;
  readonly events: ApplicationEventLog;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly version: string;
  /** Aborts when the server stops. */
  readonly signal: AbortSignal;
}

/** A route: what it returns is sent as JSON, unless it has answered itself. */
export type Route = (request: Request, response: Response, call: Call) => unknown;

/** One request's own things. */
export interface Call {
  /** Aborts when the client goes away or the server stops. */
  readonly signal: AbortSignal;
  readonly caller: Caller;
  readonly query: URLSearchParams;
}

/** Makes an express handler of a route. */
export function handle(context: RouteContext, route: Route): (request: Request, response: Response, next: NextFunction) => void {
  return (request, response, next) => {
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const call: Call = { signal: AbortSignal.any([gone.signal, context.signal]), caller: callerOf(response), query: queryOf(request) };
    void (async () => {
      try {
        const answer = await route(request, response, call);
        if (answer !== undefined && !response.headersSent) response.json(answer);
      } catch (error) {
        if (gone.signal.aborted) return; // Nobody is left to hear of it.
        if (context.signal.aborted) next(abortReason(context.signal));
        else next(error);
      }
    })();
  };
}

/** The query string of a request, with repeated keys kept. */
function queryOf(request: Request): URLSearchParams {
  return new URL(request.originalUrl, 'http://localhost').searchParams;
}

/** Remembers who makes the request. */
export function setCaller(response: Response, caller: Caller): void {
  response.locals['caller'] = caller;
}

function callerOf(response: Response): Caller {
  // Set by the authentication middleware; public routes have no caller.
  return (response.locals['caller'] as Caller | undefined) ?? { name: 'anonymous' };
}

/** The application a path names. Throws ApiError `notFound`. */
export function applicationOf(context: RouteContext, request: Request): Application {
  const name = param(request, 'name');
  const namespace = queryOf(request).get('appNamespace') ?? context.backend.namespace;
  const application = context.backend.applications.get(name, namespace);
  if (application === undefined)
    throw new ApiError({ code: 'notFound' }, `application ${name}: not found`, { hint: '`tiphys app list` shows those there are' });
  return application;
}

/** A parameter of the path. */
export function param(request: Request, name: string): string {
  const value = request.params[name];
  return typeof value === 'string' ? value : '';
}
