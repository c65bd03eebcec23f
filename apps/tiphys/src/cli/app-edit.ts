import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Application, ApplicationSpec } from '@tiphys/delivery-applications';
import { formatProblem, formatYaml, parseDocuments } from '@tiphys/kube-yaml';
import { applicationCall } from './application-name.ts';
import { withoutSpecOptions, withSpecOptions, type SpecOptions, type UnsetOptions } from './app-spec.ts';
import { CliError } from './cli-error.ts';
import { printable } from './output.ts';
import type { ClientSession } from './session.ts';

/** `app set`: changes parts of the spec. */
export async function setSpec(session: ClientSession, name: string, options: SpecOptions): Promise<void> {
  await changeSpec(session, name, (spec) => withSpecOptions(spec, options));
}

/** `app unset`: takes parts of the spec away. */
export async function unsetSpec(session: ClientSession, name: string, options: UnsetOptions): Promise<void> {
  await changeSpec(session, name, (spec) => Promise.resolve(withoutSpecOptions(spec, options)));
}

/** `app edit`: the spec in an editor. */
export async function editSpec(session: ClientSession, name: string): Promise<void> {
  await changeSpec(session, name, (spec) => edited(session, formatYaml(spec)));
}

async function changeSpec({ api, host }: ClientSession, name: string, change: (spec: ApplicationSpec) => Promise<unknown>): Promise<void> {
  const { spec } = await api.call<Application>(applicationCall(name));
  const next = await change(spec);
  if (JSON.stringify(next) === JSON.stringify(spec)) {
    host.stdout(`application/${printable(name)} unchanged\n`);
    return;
  }
  await api.call({ method: 'PUT', ...applicationCall(name, '/spec'), body: next });
  host.stdout(`application/${printable(name)} changed\n`);
}

async function edited({ host }: ClientSession, text: string): Promise<unknown> {
  const folder = await mkdtemp(join(tmpdir(), 'tiphys-edit-'));
  try {
    const file = join(folder, 'spec.yaml');
    await writeFile(file, text, { mode: 0o600 });
    const [command = 'vi', ...args] = (host.env['VISUAL'] ?? host.env['EDITOR'] ?? 'vi').split(' ').filter((word) => word !== '');
    const editor = spawn(command, [...args, file], { stdio: 'inherit', signal: host.signal });
    const [code] = await once(editor, 'exit').catch((cause: unknown) => {
      throw new CliError({ code: 'usage' }, `editor ${command}: cannot be started`, { cause, hint: 'set EDITOR' });
    });
    if (code !== 0) throw new CliError({ code: 'usage' }, `editor ${command}: ended with ${String(code)}; nothing was changed`);
    const { values, problems } = parseDocuments(await readFile(file, 'utf8'), { source: 'spec.yaml' });
    if (problems.length > 0 || values.length !== 1)
      throw new CliError({ code: 'usage' }, problems.length > 0 ? problems.map(formatProblem).join('\n') : 'spec.yaml: must hold one document');
    return values[0]?.value;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** `app patch`: a JSON or merge patch of the whole application. */
export async function patchApplication({ api, host }: ClientSession, name: string, options: { readonly patch: string; readonly type?: string }): Promise<void> {
  const { type = 'json' } = options;
  if (type !== 'json' && type !== 'merge') throw new CliError({ code: 'usage' }, `patch type "${type}" is neither json nor merge`);
  await api.call({ method: 'PATCH', ...applicationCall(name), body: { patch: options.patch, patchType: type } });
  host.stdout(`application/${printable(name)} patched\n`);
}

/** `app confirm-deletion`: approves deletions and prunes that wait for a person. */
export async function confirmDeletion({ api, host }: ClientSession, name: string): Promise<void> {
  const patch = { metadata: { annotations: { 'argocd.argoproj.io/deletion-approved': new Date(host.now()).toISOString() } } };
  await api.call({ method: 'PATCH', ...applicationCall(name), body: { patch: JSON.stringify(patch), patchType: 'merge' } });
  host.stdout(`application/${printable(name)}: deletions are approved\n`);
}
