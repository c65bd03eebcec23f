import { describe, expect, it } from 'vitest';
import { buildKustomization, type BuildOptions } from './build.ts';
import { KustomizeError } from './kustomize-error.ts';
import { memoryReads } from './memory-reads.test-suite.ts';

type Files = Readonly<Record<string, string>>;

async function build(files: Files, options?: BuildOptions): Promise<string> {
  return (await buildKustomization('app', memoryReads(files), options)).text();
}

async function failure(files: Files, options?: BuildOptions): Promise<KustomizeError> {
  try {
    await build(files, options);
  } catch (error) {
    if (error instanceof KustomizeError) return error;
    throw error;
  }
  throw new Error('it builds');
}

function configMap(name: string, data = 'k: v'): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {${data}}\n`;
}

describe('a kustomization', () => {
  it('is read strictly', async () => {
    expect((await failure({ 'app/kustomization.yaml': 'resourcez: []' })).message).toContain('unknown field "resourcez"');
    expect((await failure({ 'app/kustomization.yaml': 'resources: x' })).message).toContain('cannot unmarshal string');
    expect((await failure({ 'app/kustomization.yaml': '' })).message).toContain('kustomization.yaml is empty');
    expect((await failure({ 'app/x': '' })).message).toContain('unable to find one of');
    expect((await failure({ 'app/kustomization.yaml': '', 'app/Kustomization': '' })).message).toContain('Found multiple kustomization files');
  });

  it('reads nothing outside its folder unless told', async () => {
    const files = { 'app/kustomization.yaml': 'configMapGenerator: [{name: c, files: [../x.txt]}]', 'x.txt': 'x' };
    expect((await failure(files)).message).toContain("security; file '/x.txt' is not in or below '/app'");
    expect(await build(files, { loadRestrictions: 'none' })).toContain('x.txt: x');
  });

  it('does not leave the repository, whatever the restrictions', async () => {
    const files = { 'app/kustomization.yaml': 'resources: [../../etc/passwd]', 'etc/passwd': configMap('x') };
    expect((await failure(files, { loadRestrictions: 'none' })).message).toContain('security');
    expect(await build(files, { loadRestrictions: 'none', root: 'filesystem' })).toContain('name: x');
  });

  it('cannot refer to itself', async () => {
    const files = { 'app/kustomization.yaml': 'resources: [../base]', 'base/kustomization.yaml': 'resources: [../app]' };
    expect((await failure(files)).message).toContain("cycle detected: candidate root '/app' contains visited root '/app'");
  });

  it('runs no programs', async () => {
    const plugin = 'apiVersion: example.com/v1\nkind: Anything\nmetadata: {name: x}\n';
    expect((await failure({ 'app/kustomization.yaml': 'transformers: [t.yaml]', 'app/t.yaml': plugin })).detail.code).toBe('plugin');
  });
});

describe('budgets', () => {
  const generators = Array.from({ length: 20 }, (_, index) => `- {name: c${index}, literals: [a=b]}`).join('\n');
  const files = { 'app/kustomization.yaml': `configMapGenerator:\n${generators}\n`, 'app/x': '' };

  it.each([{ objects: 10 }, { bytes: 100 }, { files: 0 }])('end a build at %o', async (limits) => {
    expect((await failure(files, { limits })).detail.code).toBe('limit');
  });

  it('end a chain of bases', async () => {
    const chain = Object.fromEntries(
      Array.from({ length: 9 }, (_, index) => [`${index === 0 ? 'app' : index}/kustomization.yaml`, `resources: [../${index + 1}]`]),
    );
    expect((await failure(chain, { limits: { depth: 5 } })).detail.code).toBe('limit');
  });

  it('end what aliases multiply', async () => {
    const bomb = ['a: &a [x, x, x, x, x, x, x, x]', ...'bcdefghi'.split('').map((name, index) => `${name}: &${name} [${`*${'abcdefgh'[index]}, `.repeat(8)}]`)];
    const data = `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n${bomb.join('\n')}\n`;
    expect((await failure({ 'app/kustomization.yaml': 'resources: [r.yaml]', 'app/r.yaml': data })).detail.code).toBe('limit');
  });
});

describe('values of Secrets', () => {
  const secret = 'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {password: aHVudGVyMg==}\n';

  it.each([
    ['a literal without a key', 'secretGenerator: [{name: s, literals: [hunter2]}]'],
    ['a key given twice', 'secretGenerator: [{name: s, literals: [a=hunter2, a=hunter2]}]'],
    ['a line of an env file', 'secretGenerator: [{name: s, envs: [env]}]'],
    ['a patch without an object', 'resources: [s.yaml]\npatches: [{patch: "apiVersion: v1\\nkind: Secret\\nmetadata: {name: t}\\ndata: {p: aHVudGVyMg==}"}]'],
    ['a patch that is none', 'resources: [s.yaml]\npatches: [{patch: "data: {a: hunter2", target: {kind: Secret}}]'],
    ['a JSON patch', 'resources: [s.yaml]\npatches: [{patch: "- {op: test, path: /data/password, value: aHVudGVyMg}", target: {kind: Secret}}]'],
    ['an object given twice', 'resources: [s.yaml, t.yaml]'],
    [
      'a replacement into a wrong field',
      'resources: [s.yaml]\nreplacements: [{source: {kind: Secret, fieldPath: data.password}, targets: [{select: {kind: Secret}, fieldPaths: [data.password.x]}]}]',
    ],
    [
      'a replacement of a part',
      'resources: [s.yaml]\nreplacements: [{source: {kind: Secret, fieldPath: data.password, options: {delimiter: "=", index: 9}}, targets: [{select: {kind: Secret}, fieldPaths: [data.q]}]}]',
    ],
    ['a label that is none', 'resources: [bad.yaml]\nnamespace: x\ncommonLabels: {a: b}'],
  ])('are not in the error of %s', async (_, kustomization) => {
    const bad = 'apiVersion: v1\nkind: Secret\nmetadata: {name: s, labels: [hunter2]}\nstringData: {p: hunter2}\n';
    const error = await failure({
      'app/kustomization.yaml': kustomization,
      'app/s.yaml': secret,
      'app/t.yaml': secret,
      'app/bad.yaml': bad,
      'app/env': 'a=1\na=hunter2\n',
    });
    const texts: string[] = [];
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) texts.push(`${cause.message} ${cause.stack ?? ''}`);
    expect(texts.join('\n')).not.toMatch(/hunter2|aHVudGVyMg/);
  });
});

describe('bases in other repositories', () => {
  const files = { 'app/kustomization.yaml': 'resources: ["https://git.example/org/repo//base?ref=v1"]\nnamePrefix: p-' };
  const open = (remote: Files): BuildOptions => ({
    openRemote: ({ repository, revision, path }) =>
      Promise.resolve(`${repository} ${revision} ${path}` === 'https://git.example/org/repo v1 base' ? memoryReads(remote) : undefined),
  });

  it('are refused where nothing opens them', async () => {
    const error = await failure(files);
    expect(error.detail.code).toBe('remote');
    expect(error.message).toContain('https://git.example/org/repo//base?ref=v1');
    const withPassword = { 'app/kustomization.yaml': 'resources: ["https://user:hunter2@git.example/org/repo"]' };
    expect((await failure(withPassword)).message).not.toContain('hunter2');
  });

  it('are built from what is opened, and stay in it', async () => {
    const remote = {
      'base/kustomization.yaml': 'resources: [../other, c.yaml]',
      'base/c.yaml': configMap('c'),
      'other/kustomization.yaml': 'configMapGenerator: [{name: g, options: {disableNameSuffixHash: true}}]',
    };
    expect(await build(files, open(remote))).toContain('name: p-c');
    expect((await failure(files, open({ ...remote, 'base/kustomization.yaml': 'resources: [../../app]' }))).message).toContain('must be within the repo');
    const restricted = open({ ...remote, 'base/kustomization.yaml': 'resources: [../other/x.yaml]', 'other/x.yaml': configMap('x') });
    expect((await failure(files, { ...restricted, loadRestrictions: 'none' })).message).toContain('security');
  });

  it('cannot refer to themselves', async () => {
    const remote = { 'base/kustomization.yaml': 'resources: ["https://git.example/org/repo//base?ref=v1"]' };
    expect((await failure(files, open(remote))).message).toContain('cycle detected');
  });

  it('may be single files', async () => {
    const kustomization = { 'app/kustomization.yaml': 'resources: ["https://files.example/c.yaml"]' };
    const fetchFile = (): Promise<Uint8Array> => Promise.resolve(Buffer.from(configMap('fetched')));
    expect(await build(kustomization, { fetchFile })).toContain('name: fetched');
    expect((await failure(kustomization)).detail.code).toBe('remote');
  });
});

describe('charts', () => {
  const files = {
    'app/charts/web/Chart.yaml': 'apiVersion: v2\nname: web\nversion: 1.0.0\n',
    'app/charts/web/values.yaml': 'a: {b: 2, x: 1}\n',
    'app/charts/web/templates/cm.yaml':
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}, namespace: {{ .Release.Namespace }}}\ndata: {v: {{ .Values.a | toJson | quote }}, k: {{ .Capabilities.KubeVersion.Version }}}\n',
  };
  const chart = (fields: string, more = ''): Files => ({ ...files, 'app/kustomization.yaml': `helmCharts: [{name: web, releaseName: r, ${fields}}]\n${more}` });

  it('are refused unless enabled', async () => {
    const error = await failure(chart(''));
    expect(error.detail.code).toBe('helm');
    expect(error.message).toContain('must specify --enable-helm');
  });

  it('are rendered with the values of the file and inline ones', async () => {
    const data = async (fields: string): Promise<string | undefined> =>
      /v: '(.*)'/.exec(await build(chart(fields), { enableHelm: true, capabilities: { kubeVersion: 'v1.30.0', apiVersions: [] } }))?.[1];
    expect(await data('')).toBe('{"b":2,"x":1}');
    expect(await data('valuesInline: {a: {x: 5, z: 6}}')).toBe('{"b":2,"x":5,"z":6}');
    expect(await data('valuesInline: {a: {x: 5, z: 6}}, valuesMerge: merge')).toBe('{"b":2,"x":1,"z":6}');
    expect(await data('valuesInline: {a: {x: 5}}, valuesMerge: override')).toBe('{"b":2,"x":5}');
    expect((await failure(chart('valuesMerge: other'), { enableHelm: true })).message).toContain('valuesMerge must be one of');
  });

  it('keep the namespace of their release', async () => {
    const text = await build(chart('namespace: own', 'namespace: all'), { enableHelm: true });
    expect(text).toContain('namespace: own');
    expect(await build(chart('', 'namespace: all'), { enableHelm: true })).toContain('namespace: all');
  });

  it('are fetched where they are not there', async () => {
    const kustomization = { 'app/kustomization.yaml': 'helmCharts: [{name: far, repo: "https://charts.example", version: 1.0.0}]' };
    const asked: unknown[] = [];
    const fetchChart: NonNullable<BuildOptions['fetchChart']> = (wanted) => {
      asked.push(wanted);
      return Promise.resolve(undefined);
    };
    expect((await failure(kustomization, { enableHelm: true, fetchChart })).message).toContain('cannot be fetched');
    expect(asked).toEqual([{ name: 'far', version: '1.0.0', repository: 'https://charts.example' }]);
  });
});

describe('texts', () => {
  const file = async (text: string, kustomization = 'resources: [c.yaml]'): Promise<string> =>
    build({ 'app/kustomization.yaml': kustomization, 'app/c.yaml': text });

  it('may begin with a byte order mark', async () => {
    expect(await file(`\ufeff${configMap('c')}`)).toBe('apiVersion: v1\ndata:\n  k: v\nkind: ConfigMap\nmetadata:\n  name: c\n');
    expect(await file(`\ufeff${configMap('c')}`, '\ufeffresources: [c.yaml]')).toContain('name: c');
  });

  it('come out as from JSON that was read as YAML', async () => {
    expect(await file(configMap('c', String.raw`k: "a \N\N b\Nc", m: "\uFEFFx y"`))).toContain(`k: |-\n    a\n    b c\n  m: "\\uFEFF\\x78\\x20\\x79"\n`);
    await expect(file(configMap('c', String.raw`k: "\x7f"`))).rejects.toThrow('control characters are not allowed');
  });
});
