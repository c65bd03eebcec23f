import { createHash } from 'node:crypto';
import { DomainError } from '@tiphys/kernel';
import type { UserInfo } from '../core.ts';

/** A file of tokens that cannot be read. */
class TokenFileError extends DomainError<{ readonly code: 'malformed'; readonly line: number }> {
  override readonly name = 'TokenFileError';
}

/** Users by the hash of their token. */
export type StaticTokens = ReadonlyMap<string, UserInfo>;

/** Reads a static token file: `token,user,uid[,"group,group"]` a line (apiserver authentication/token/tokenfile). Throws TokenFileError, which names the line and never a token. */
export function parseTokenFile(text: string): StaticTokens {
  const users = new Map<string, UserInfo>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [token = '', username = '', uid = '', groups = ''] = fieldsOf(line);
    if (token === '' || username === '')
      throw new TokenFileError({ code: 'malformed', line: index + 1 }, `token file: line ${index + 1}: needs token, user name and uid`, {
        hint: 'write token,user,uid,"group1,group2"',
      });
    const list = groups.split(',').map((group) => group.trim());
    users.set(hashToken(token), { username, ...(uid === '' ? {} : { uid }), groups: [...list.filter((group) => group !== ''), 'system:authenticated'] });
  }
  return users;
}

/** How a token is remembered. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function fieldsOf(line: string): readonly string[] {
  return [...line.matchAll(/\s*(?:"((?:[^"]|"")*)"|([^,]*))\s*(?:,|$)/g)].map(([, quoted, plain]) =>
    (quoted === undefined ? (plain ?? '') : quoted.replaceAll('""', '"')).trim(),
  );
}
