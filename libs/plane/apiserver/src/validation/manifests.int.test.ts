import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mapLimit } from '@tiphys/kernel';
import { BUILTIN_RESOURCES, formatApiVersion, type KubeObject } from '@tiphys/kube-model';
import { parseManifests } from '@tiphys/kube-yaml';
import { expect, it } from 'vitest';
import { startTestServer } from '../test-server.test-suite.ts';

// What public charts and overlays render to; data kept outside the repository.
const VECTORS = new URL('../../../../../../shared/vectors/', import.meta.url).pathname;
const FILES = ['helm/cases', 'helm/cases-completed', 'kustomize/cases'].map((name) => `${VECTORS}${name}.jsonl.xz`).filter((file) => existsSync(file));
if (FILES.length === 0) process.stdout.write('manifests: skipped, there are no vectors beside the repository\n');

const RESOURCES = new Map(BUILTIN_RESOURCES.map((row) => [`${formatApiVersion(row.group, row.version)}/${row.kind}`, row]));

function outputsOf(file: string): readonly string[] {
  const { stdout } = spawnSync('xz', ['-dc', file], { encoding: 'utf8', maxBuffer: 512 * 1024 * 1024 });
  const lines = stdout.split('\n').filter((line) => line !== '');
  return lines.flatMap((line) => (JSON.parse(line) as { readonly expect: { readonly out?: string } }).expect.out ?? []);
}

/** Every different object of a built-in kind. */
function objects(): readonly KubeObject[] {
  const byText = new Map<string, KubeObject>();
  for (const text of FILES.flatMap(outputsOf)) {
    for (const { object } of parseManifests(text, { source: 'case', allowDuplicateKeys: true }).objects)
      if (RESOURCES.has(`${object.apiVersion}/${object.kind}`)) byText.set(JSON.stringify(object), object);
  }
  return [...byText.values()];
}

/** What Kubernetes refuses as well: placeholders that nobody has filled, and what such objects lack. */
const REFUSED = [
  /\$\{|\$\(|"_"/,
  /subjects\[0\]\.namespace: Required value/,
  /spec\.selector: Required value/,
  /quantities must match/,
  /serviceaccount ".*" not found/,
];

it.skipIf(FILES.length === 0)('takes what public charts and overlays make', { timeout: 180_000 }, async () => {
  await using t = await startTestServer();
  const all = objects();
  const refusals = await mapLimit(all, 8, async (object) => {
    const { group = '', version = '', resource = '', namespaced } = RESOURCES.get(`${object.apiVersion}/${object.kind}`) ?? {};
    const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
    const body = { ...object, metadata: { ...object.metadata, ...(namespaced === true ? { namespace: 'default' } : {}) } };
    const { code, body: answer } = await t.call('POST', `${root}/${namespaced === true ? 'namespaces/default/' : ''}${resource}?dryRun=All`, { body });
    return code === 201 || code === 409 || code === 404 ? undefined : `${object.kind} ${object.metadata.name ?? ''}: ${answer.message}`;
  });
  const told = refusals.filter((text) => text !== undefined);
  const wrong = told.filter((text) => !REFUSED.some((known) => known.test(text)));
  process.stdout.write(`manifests: ${all.length - told.length} of ${all.length} objects taken, ${told.length - wrong.length} refused as Kubernetes does\n`);
  expect(wrong).toEqual([]);
});
