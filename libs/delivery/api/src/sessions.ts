import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '@tiphys/kernel';
import type { IncomingHttpHeaders } from 'node:http';

/** Who makes a request. */
export interface Caller {
  readonly name: string;
}

/** A token that opens the API, and the name its bearer goes by. */
export interface LocalAccount {
  readonly name: string;
  readonly token: string;
}

/** The session cookie. */
export const SESSION_COOKIE = 'tiphys.session';
/** Life of a session. */
export const SESSION_MS: number = 24 * 60 * 60 * 1000;

/** Tells callers by bearer token or signed session cookie. */
export class Sessions {
  readonly #accounts: readonly { readonly name: string; readonly digest: Buffer }[];
  readonly #clock: Clock;
  // A new key per process and accounts bound in: a restart or a changed token ends every session.
  readonly #key = randomBytes(32);

  constructor(accounts: readonly LocalAccount[], clock: Clock) {
    this.#accounts = accounts.map(({ name, token }) => ({ name, digest: digestOf(token) }));
    this.#clock = clock;
  }

  /** The caller of a request; undefined when nothing in it is valid. */
  callerOf(headers: IncomingHttpHeaders): Caller | undefined {
    const { authorization, cookie } = headers;
    if (authorization !== undefined) return authorization.startsWith('Bearer ') ? this.callerOfToken(authorization.slice('Bearer '.length).trim()) : undefined;
    const value = (cookie ?? '')
      .split(';')
      .map((part) => part.trim())
      .find((part) => part.startsWith(`${SESSION_COOKIE}=`));
    return value === undefined ? undefined : this.#callerOfSession(value.slice(SESSION_COOKIE.length + 1));
  }

  /** The caller a token belongs to; every account is compared, so time tells nothing. */
  callerOfToken(token: string): Caller | undefined {
    const digest = digestOf(token);
    let found: Caller | undefined;
    for (const account of this.#accounts) if (timingSafeEqual(account.digest, digest)) found = { name: account.name };
    return found;
  }

  /** The value of a new session cookie. */
  open(caller: Caller): string {
    const body = Buffer.from(JSON.stringify({ name: caller.name, exp: this.#clock.now() + SESSION_MS })).toString('base64url');
    return `${body}.${this.#sign(body)}`;
  }

  #callerOfSession(value: string): Caller | undefined {
    const [body = '', signature = ''] = value.split('.');
    const expected = Buffer.from(this.#sign(body));
    const given = Buffer.from(signature);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
    // Signed by us, so of the shape `open` wrote.
    const session = JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) as { readonly name: string; readonly exp: number };
    return session.exp > this.#clock.now() ? { name: session.name } : undefined;
  }

  #sign(body: string): string {
    return createHmac('sha256', this.#key).update(body).digest('base64url');
  }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
