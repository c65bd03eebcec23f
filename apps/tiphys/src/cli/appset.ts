import { readFile } from 'node:fs/promises';
import type { ApplicationSet, WantedApplication } from '@tiphys/delivery-applicationsets';
import { messageOf } from '@tiphys/kernel';
import { formatProblem, formatYaml, parseManifests } from '@tiphys/kube-yaml';
import { CliError } from './cli-error.ts';
import { formatList, formatValue, printable } from './output.ts';
import type { ClientSession } from './session.ts';

const PATH = '/api/v1/applicationsets';

/** `appset list`. */
export async function listSets({ api, host, format }: ClientSession): Promise<void> {
  const { items } = await api.call<{ readonly items: readonly ApplicationSet[] }>({ path: PATH });
  const columns = [
    { title: 'NAME', cell: (row: ApplicationSet) => row.metadata.name ?? '' },
    { title: 'APPS', cell: (row: ApplicationSet) => String(row.status?.resourcesCount ?? 0) },
    { title: 'STATUS', cell: (row: ApplicationSet) => problemOf(row) ?? 'UpToDate' },
  ];
  host.stdout(formatList(items, columns, format, (row) => row.metadata.name ?? ''));
}

function problemOf({ status }: ApplicationSet): string | undefined {
  return status?.conditions?.find(({ type, status: is }) => (type === 'ErrorOccurred' && is === 'True') || (type === 'ResourcesUpToDate' && is === 'False'))
    ?.message;
}

/** `appset get`. */
export async function showSet({ api, host, format }: ClientSession, name: string): Promise<void> {
  const set = await api.call<ApplicationSet>({ path: `${PATH}/${encodeURIComponent(name)}` });
  if (format === 'json' || format === 'yaml') {
    host.stdout(formatValue(set, format));
    return;
  }
  const lines = [
    `Name:    ${set.metadata.name ?? ''}`,
    ...(set.status?.conditions ?? []).map(({ type, status, message }) => `${type}: ${status} ${message}`),
    ...(set.status?.applicationStatus ?? []).map(({ application, step, status, message }) => `step ${step}  ${application}  ${status}  ${message}`),
    ...(set.status?.resources ?? []).map(
      (row) => `${String(row['name'])}  ${String(row['status'])}  ${String((row['health'] as { readonly status?: string } | undefined)?.status ?? '')}`,
    ),
  ];
  host.stdout(`${lines.map(printable).join('\n')}\n`);
}

/** `appset create`. */
export async function createSets({ api, host }: ClientSession, file: string, upsert: boolean): Promise<void> {
  for (const set of await setsOf(file)) {
    const created = await api.call<ApplicationSet>({ method: 'POST', path: PATH, query: { upsert: upsert ? true : undefined }, body: set });
    host.stdout(`applicationset/${printable(created.metadata.name ?? '')} created\n`);
  }
}

/** `appset generate`: prints Applications, or fails with what is wrong. */
export async function generateSet({ api, host }: ClientSession, file: string): Promise<void> {
  const problems: string[] = [];
  for (const applicationSet of await setsOf(file)) {
    const answer = await api.call<{ readonly applications: readonly WantedApplication[]; readonly problems: readonly string[] }>({
      method: 'POST',
      path: `${PATH}/generate`,
      body: { applicationSet },
    });
    for (const application of answer.applications) host.stdout(`---\n${formatYaml(application)}`);
    problems.push(...answer.problems);
  }
  if (problems.length > 0) throw new CliError({ code: 'refused' }, problems.join('\n'));
}

/** `appset delete`. */
export async function deleteSet({ api, host }: ClientSession, name: string): Promise<void> {
  await api.call({ method: 'DELETE', path: `${PATH}/${encodeURIComponent(name)}` });
  host.stdout(`applicationset/${printable(name)} deleted\n`);
}

async function setsOf(file: string): Promise<readonly unknown[]> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new CliError({ code: 'usage' }, `${file}: ${messageOf(cause)}`, { cause });
  });
  const { objects, problems } = parseManifests(text, { source: file });
  const [problem] = problems;
  if (problem !== undefined) throw new CliError({ code: 'usage' }, formatProblem(problem));
  const sets = objects.map(({ object }) => object).filter(({ kind }) => kind === 'ApplicationSet');
  if (sets.length === 0) throw new CliError({ code: 'usage' }, `${file}: holds no ApplicationSet`);
  return sets;
}
