import type { Core, UserInfo } from '../core.ts';
import { authenticate, type Credentials } from './authenticate.ts';
import { impersonate } from './impersonate.ts';

/** In whose name a request is made, and who makes it. */
export interface Identity {
  readonly user: UserInfo;
  /** Who has proved to be there; differs from `user` where one acts for another. */
  readonly realUser: UserInfo;
}

/** Who asks, by the proofs and headers of a request. Throws 400, 401 and 403. */
export async function identify(core: Core, credentials: Credentials): Promise<Identity> {
  const realUser = await authenticate(core, credentials);
  return { realUser, user: impersonate(core, realUser, credentials.rawHeaders) };
}
