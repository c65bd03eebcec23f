import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execFileSync } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRepositoryStore, type Snapshot } from '@tiphys/delivery-git';
import { createLogger } from '@tiphys/kernel';
import { createRenderer, type Renderer } from './renderer.ts';

const { signal } = new AbortController();
const environment = { application: 'a', namespace: 'n', project: 'default' };
const DEADLINE_MS = 30_000;

/** Charts of a hostile author; each must end in a clear error within the budget. */
const HOSTILE: Readonly<Record<string, string>> = {
  'endless-include': '{{ define "x" }}{{ include "x" . }}{{ end }}{{ include "x" . }}',
  'endless-template': '{{ define "x" }}{{ template "x" . }}{{ end }}{{ template "x" . }}',
  'tpl-bomb': '{{ $t := "{{ tpl .t . }}{{ tpl .t . }}" }}{{ tpl $t (dict "t" $t "Template" .Template) }}',
  loops: '{{ range until 10000 }}{{ range until 10000 }}{{ range until 10000 }}{{ end }}{{ end }}{{ end }}',
  'two-gigabytes': '{{ range until 100000 }}{{ repeat 100000 "x" }}{{ end }}',
  'one-huge-repeat': '{{ repeat 2147483647 "x" }}',
  'doubling-list': '{{ $l := list 1 2 3 4 }}{{ range until 64 }}{{ $l = concat $l $l }}{{ end }}{{ len $l }}',
  'doubling-text': '{{ $t := "xxxxxxxx" }}{{ range until 64 }}{{ $t = printf "%s%s" $t $t }}{{ end }}{{ len $t }}',
  'map-in-itself': '{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ toYaml $d }}',
  'deep-parentheses': `{{ ${'('.repeat(20_000)}1${')'.repeat(20_000)} }}`,
  'deep-yaml': `a: ${'['.repeat(50_000)}`,
};

let folder: string;
let snapshot: Snapshot;
let renderer: Renderer;

async function chart(name: string, files: Readonly<Record<string, string | Buffer>>): Promise<void> {
  for (const [file, data] of Object.entries({ 'Chart.yaml': `apiVersion: v2\nname: ${name}\nversion: 0.1.0\n`, ...files })) {
    await mkdir(path.dirname(path.join(folder, name, file)), { recursive: true });
    await writeFile(path.join(folder, name, file), data);
  }
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tiphys-sandbox-'));
  execFileSync('git', ['init', '--quiet', '-b', 'main', folder]);
  for (const [name, template] of Object.entries(HOSTILE)) await chart(name, { 'templates/t.yaml': template });
  await chart('good', { 'templates/t.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: good}\n' });
  await chart('redos', {
    'templates/t.yaml': `{{ if regexMatch "^(a+)+$" (repeat 50000 "a" | printf "%s!") }}x{{ end }}\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: linear}\n`,
  });
  await chart('zip-bomb', { 'charts/bomb-1.0.0.tgz': gzipSync(Buffer.alloc(200 * 1024 * 1024)), 'templates/t.yaml': '' });
  await chart('link-out', { 'templates/t.yaml': '' });
  await symlink('/etc/passwd', path.join(folder, 'link-out/values.yaml'));
  await chart('reads-out', {
    'templates/t.yaml':
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: files}\ndata:\n  a: {{ .Files.Get "../../../etc/passwd" | quote }}\n  b: {{ .Files.Get "/etc/passwd" | quote }}\n  c: {{ len (.Files.Glob "../**") | quote }}\n',
  });
  await chart('looks-around', {
    'templates/t.yaml':
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: world}\ndata:\n  host: {{ getHostByName "localhost" | quote }}\n  secret: {{ lookup "v1" "Secret" "default" "x" | toString | quote }}\n',
  });
  execFileSync('git', ['-C', folder, 'add', '-A']);
  execFileSync('git', ['-C', folder, '-c', 'user.name=t', '-c', 'user.email=t@t', 'commit', '-qm', 'charts']);
  const repository = await createRepositoryStore({ cacheDirectory: path.join(folder, '.cache') }).open(folder);
  const commit = (await repository.lsRemote(signal)).oids.get('refs/heads/main') ?? '';
  snapshot = await repository.snapshot(commit, signal);
  renderer = createRenderer({ logger: createLogger({ level: 'silent' }), maxWorkers: 2, timeoutMs: DEADLINE_MS });
});

afterAll(async () => {
  await renderer.close();
  await rm(folder, { recursive: true, force: true });
});

const render = (name: string) => renderer.render({ repoURL: 'r', path: name }, environment, { snapshot }, { signal });

describe('a hostile chart', () => {
  it.each(Object.keys(HOSTILE))(
    '%s is stopped with a clear error, and others are not disturbed',
    async (name) => {
      const [hostile, good] = await Promise.allSettled([
        render(name),
        renderer.render({ repoURL: 'r', path: 'good' }, environment, { snapshot }, { signal, noCache: true }),
      ]);
      expect(hostile.status).toBe('rejected');
      expect(hostile).toMatchObject({ reason: { name: 'RenderError' } });
      expect(String(hostile.status === 'rejected' ? hostile.reason : '')).toMatch(/helm: |longer than|more memory/);
      expect(good).toMatchObject({ status: 'fulfilled' });
    },
    DEADLINE_MS + 20_000,
  );

  it('spends linear time on a pattern made to explode', async () => {
    expect((await render('redos')).objects[0]?.object.metadata.name).toBe('linear');
  });

  it('cannot unpack a bomb', async () => {
    await expect(render('zip-bomb')).rejects.toMatchObject({ name: 'RenderError' });
  });

  it('sees nothing outside its repository, no network and no cluster', async () => {
    await expect(render('link-out')).rejects.toThrow(/leads out/);
    const files = (await render('reads-out')).objects[0]?.object;
    expect(files).toMatchObject({ data: { a: '', b: '', c: '0' } });
    expect((await render('looks-around')).objects[0]?.object).toMatchObject({ data: { host: '', secret: 'map[]' } });
  });
});
