import { Router } from 'express';
import { rateLimit } from 'express-rate-limit';
import { ApiError } from '../api-error.ts';
import { handle, type RouteContext } from '../context.ts';
import { readBody, sessionBody } from '../requests.ts';
import { SESSION_COOKIE, SESSION_MS } from '../sessions.ts';

/** Opening and closing a browser's session. Guesses are limited per address. */
export function sessionRoutes(context: RouteContext): Router {
  const router = Router();
  const guesses = rateLimit({
    windowMs: 300_000,
    limit: 20,
    skipSuccessfulRequests: true,
    standardHeaders: true,
    legacyHeaders: false,
    message: { error: 'too many failed logins', message: 'too many failed logins, wait five minutes', code: 429, reason: 'tooManyRequests' },
  });
  router.post(
    '/',
    guesses,
    handle(context, (request, response) => {
      const caller = context.sessions.callerOfToken(readBody(sessionBody, request.body).token);
      if (caller === undefined)
        throw new ApiError({ code: 'unauthenticated' }, 'the token is not valid', {
          hint: 'it is printed when the server starts and kept in its state folder',
        });
      response.cookie(SESSION_COOKIE, context.sessions.open(caller), { httpOnly: true, sameSite: 'strict', path: '/', maxAge: SESSION_MS });
      return { username: caller.name };
    }),
  );
  router.delete(
    '/',
    handle(context, (_request, response) => {
      response.clearCookie(SESSION_COOKIE, { path: '/' });
      return {};
    }),
  );
  router.get(
    '/userinfo',
    handle(context, (request) => {
      const caller = context.sessions.callerOf(request.headers);
      return { loggedIn: caller !== undefined, username: caller?.name ?? '' };
    }),
  );
  return router;
}
