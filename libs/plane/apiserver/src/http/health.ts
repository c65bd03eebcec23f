import type { Core } from '../core.ts';
import { methodNotAllowed, noSuchPath } from '../failures.ts';
import { plainText, type Answer } from './answer.ts';
import type { Exchange } from './exchange.ts';

const HEALTH = /^\/(healthz|livez|readyz)(?:\/(.*))?$/;
const CHECKS = ['ping', 'log', 'store', 'poststarthook/rbac/bootstrap-roles', 'poststarthook/scheduling/bootstrap-system-priority-classes'] as const;

/** Whether a path asks how the server is. */
export function isHealthPath(path: string): boolean {
  return HEALTH.test(path);
}

/** Answers `/healthz`, `/livez` and `/readyz`, whole or by check, with `verbose` and `exclude` (apiserver server/healthz). */
export function answerHealth(core: Core, { path, query, method }: Exchange): Answer {
  if (method !== 'GET' && method !== 'HEAD') throw methodNotAllowed();
  const [, endpoint = '', check = ''] = HEALTH.exec(path) ?? [];
  const checks = [...CHECKS, ...(endpoint === 'readyz' ? ['shutdown'] : [])];
  if (check !== '' && !checks.includes(check)) throw noSuchPath();
  const { phase } = core.lifecycle;
  const failing = (name: string): boolean => (name.startsWith('poststarthook/') && phase === 'starting') || (name === 'shutdown' && phase === 'closing');
  if (check !== '') return failing(check) ? failed(`internal server error: ${check} failed\n`) : plainText('ok');
  const excluded = new Set(query.getAll('exclude'));
  const rows = checks.map((name) => ({ name, isExcluded: excluded.has(name), isFailing: failing(name) }));
  const unknown = [...excluded].filter((name) => !checks.includes(name));
  const lines = [
    ...rows.map(({ name, isExcluded, isFailing }) =>
      isExcluded ? `[+]${name} excluded: ok` : isFailing ? `[-]${name} failed: reason withheld` : `[+]${name} ok`,
    ),
    ...(unknown.length === 0 ? [] : [`warn: some health checks cannot be excluded: no matches for ${unknown.map((name) => JSON.stringify(name)).join(', ')}`]),
  ];
  const isFailing = rows.some((row) => row.isFailing && !row.isExcluded);
  const text = `${lines.join('\n')}\n${endpoint} check ${isFailing ? 'failed' : 'passed'}\n`;
  if (isFailing) return failed(text);
  return plainText(query.has('verbose') ? text : 'ok');
}

function failed(text: string): Answer {
  return { ...plainText(text, 500), headers: { 'x-content-type-options': 'nosniff' } };
}
