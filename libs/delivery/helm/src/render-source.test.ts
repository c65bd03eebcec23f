import { describe, expect, test } from 'vitest';
import { gzipSync } from 'node:zlib';
import { HelmError } from './chart/helm-error.ts';
import { loadChart } from './chart/load-chart.ts';
import { readArchive } from './chart/read-archive.ts';
import { mergeUserValues } from './chart/merge-user-values.ts';
import { detectHelmSource, renderHelmSource, type HelmSourceOptions, type HelmSourceOutput, type HelmSourceReads } from './render-source.ts';
import { formatRelease, renderChart } from './render/render-chart.ts';

type Files = Readonly<Record<string, string | Uint8Array>>;

function readsOf(files: Files, others: Readonly<Record<string, Files>> = {}): HelmSourceReads & { readonly asked: string[] } {
  const asked: string[] = [];
  const from = (ref?: string): Files => (ref === undefined ? files : (others[ref] ?? {}));
  return {
    asked,
    read: (path, ref) => {
      const file = from(ref)[path];
      return Promise.resolve(typeof file === 'string' ? Buffer.from(file) : file);
    },
    list: (path, ref) => {
      const prefix = path === '' ? '' : `${path}/`;
      const names = new Map<string, 'file' | 'directory'>();
      for (const name of Object.keys(from(ref))) {
        if (!name.startsWith(prefix)) continue;
        const [first = '', ...rest] = name.slice(prefix.length).split('/');
        names.set(first, rest.length > 0 ? 'directory' : 'file');
      }
      return Promise.resolve(names.size === 0 ? undefined : [...names].map(([name, kind]) => ({ name, kind })));
    },
    capabilities: () => {
      asked.push('capabilities');
      return Promise.resolve({ kubeVersion: 'v1.33.3-gke.1', apiVersions: ['example.com/v1', 'example.com/v1/Thing'] });
    },
    revision: () => {
      asked.push('revision');
      return Promise.resolve('0123456789abcdef');
    },
  };
}

const CHART: Files = {
  'app/Chart.yaml': 'apiVersion: v2\nname: demo\nversion: 1.0.0\n',
  'app/values.yaml': 'a: chart\nlist: [1]\n',
  'app/templates/cm.yaml':
    'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\n  namespace: {{ .Release.Namespace }}\ndata:\n  values: {{ .Values | toJson | quote }}\n  kube: {{ .Capabilities.KubeVersion.Version }}\n  has: "{{ .Capabilities.APIVersions.Has "example.com/v1/Thing" }}"\n',
  'app/templates/test.yaml': 'apiVersion: v1\nkind: Pod\nmetadata: {name: t, annotations: {helm.sh/hook: test}}\n',
  'app/crds/thing.yaml': 'apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.example.com}\n',
};

async function render(
  helm: object | undefined,
  files: Files = CHART,
  options: HelmSourceOptions = {},
  reads: HelmSourceReads = readsOf(files),
): Promise<HelmSourceOutput> {
  const source = { repoURL: 'https://git.example.com/x', path: 'app', targetRevision: 'main', ...(helm === undefined ? {} : { helm }) };
  return renderHelmSource({ source, path: 'app', environment: { application: 'shop', namespace: 'prod', project: 'default' } }, reads, options);
}

function valuesIn(output: HelmSourceOutput): unknown {
  const map = output.objects.find(({ object }) => object.kind === 'ConfigMap')?.object as { data?: { values?: string } } | undefined;
  return JSON.parse(map?.data?.values ?? 'null');
}

describe('a Helm source', () => {
  test('is found by block, chart or Chart.yaml', async () => {
    const request = { path: 'app', environment: { application: 'a', namespace: 'n', project: 'p' } };
    expect(await detectHelmSource({ ...request, source: { repoURL: 'x' } }, readsOf(CHART))).toBe(true);
    expect(await detectHelmSource({ ...request, source: { repoURL: 'x', directory: {} } }, readsOf(CHART))).toBe(false);
    expect(await detectHelmSource({ ...request, source: { repoURL: 'x', chart: 'c' } }, readsOf({}))).toBe(true);
  });

  test('takes release, namespace and cluster from the application', async () => {
    const { objects, problems } = await render(undefined);
    expect(problems).toEqual([]);
    expect(objects.map(({ object }) => object.kind)).toEqual(['CustomResourceDefinition', 'ConfigMap', 'Pod']);
    expect(objects[1]?.object).toMatchObject({ metadata: { name: 'shop', namespace: 'prod' }, data: { kube: 'v1.33.3', has: 'true' } });
  });

  test('orders values: files, inline, parameters, files of parameters', async () => {
    const files: Files = { ...CHART, 'app/v1.yaml': 'a: one\nb: one\nc: one', 'shared/v2.yaml': 'b: two', 'app/text.txt': 'hello' };
    const reads = readsOf(files, { other: { 'x/v3.yaml': 'fromRef: true' } });
    const output = await render(
      {
        valueFiles: ['v1.yaml', '/shared/*.yaml', '$other/x/v3.yaml'],
        values: 'ignored: true',
        valuesObject: { c: 'three', d: { e: 1 } },
        parameters: [
          { name: 'p', value: '$ARGOCD_APP_NAME-${ARGOCD_APP_REVISION_SHORT}$$' },
          { name: 'n', value: '5' },
          { name: 's', value: '5', forceString: true },
          { name: 'comma', value: 'x,y' },
          { name: 'list', value: '{x,y}' },
        ],
        fileParameters: [{ name: 'file', path: 'text.txt' }],
      },
      files,
      {},
      reads,
    );
    expect(valuesIn(output)).toEqual({
      a: 'one',
      b: 'two',
      c: 'three',
      d: { e: 1 },
      fromRef: true,
      p: 'shop-0123456$',
      n: 5,
      s: '5',
      comma: 'x,y',
      list: ['x', 'y'],
      file: 'hello',
      global: undefined,
    });
    expect(reads.asked).toContain('revision');
  });

  test('asks for the commit only where it is used', async () => {
    const reads = readsOf(CHART);
    await render({ kubeVersion: '1.30.0', apiVersions: ['v1'] }, CHART, {}, reads);
    expect(reads.asked).toEqual([]);
  });

  test('globs keep explicit places and tell when nothing matches', async () => {
    const files: Files = { ...CHART, 'app/env/a.yaml': 'v: a', 'app/env/b.yaml': 'v: b', 'app/env/deep/c.yaml': 'v: c' };
    expect(valuesIn(await render({ valueFiles: ['env/**/*.yaml', 'env/a.yaml'] }, files))).toMatchObject({ v: 'a' });
    await expect(render({ valueFiles: ['none/*.yaml'] }, files)).rejects.toThrow('no values file matches');
    await expect(render({ valueFiles: ['none.yaml'] }, files)).rejects.toThrow('open app/none.yaml: no such file or directory');
    expect(valuesIn(await render({ valueFiles: ['none.yaml', 'none/*'], ignoreMissingValueFiles: true }, files))).toMatchObject({ a: 'chart' });
    await expect(render({ valueFiles: ['../../secret.yaml'] }, files)).rejects.toThrow('leads out of the repository');
    await expect(render({ valueFiles: ['https://x/v.yaml'] }, files)).rejects.toThrow('not fetched from the network');
  });

  test('leaves out CRDs and tests where asked', async () => {
    const { objects } = await render({ skipCrds: true, skipTests: true });
    expect(objects.map(({ object }) => object.kind)).toEqual(['ConfigMap']);
  });

  test('says what is wrong, at its stage', async () => {
    await expect(render({ valueFiles: 'x' })).rejects.toMatchObject({ code: 'values', message: 'spec.source.helm: "valueFiles" must be a list' });
    const broken: Files = { ...CHART, 'app/templates/bad.yaml': '{{ fail "no luck" }}' };
    await expect(render(undefined, broken)).rejects.toMatchObject({ code: 'render', message: 'execution error at (demo/templates/bad.yaml:1:3): no luck' });
    const noYaml: Files = { ...CHART, 'app/templates/bad.yaml': 'a: b: c' };
    await expect(render(undefined, noYaml)).rejects.toMatchObject({ code: 'manifest' });
    const schema: Files = { ...CHART, 'app/values.schema.json': '{"type":"object","properties":{"a":{"type":"integer"}}}' };
    await expect(render(undefined, schema)).rejects.toMatchObject({
      code: 'schema',
      message: expect.stringContaining("- at '/a': got string, want integer") as string,
    });
    expect((await render({ skipSchemaValidation: true }, schema)).objects).toHaveLength(3);
  });

  test('completes subcharts from the repository and by fetching', async () => {
    const parent =
      'apiVersion: v2\nname: demo\nversion: 1.0.0\ndependencies:\n- {name: near, version: 1.x, repository: "file://../near"}\n- {name: far, version: ^2.0.0, repository: "https://charts.example.com"}\n';
    const template = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Chart.Name }}-{{ .Chart.Version }}}\n';
    const files: Files = {
      'app/Chart.yaml': parent,
      'app/Chart.lock': 'dependencies:\n- {name: far, version: 2.3.4, repository: "https://charts.example.com"}\n',
      'near/Chart.yaml': 'apiVersion: v2\nname: near\nversion: 1.1.0\n',
      'near/templates/x.yaml': template,
    };
    await expect(render(undefined, files)).rejects.toMatchObject({ code: 'deps', detail: { missing: ['far'] } });
    const archive = gzipSync(tar({ 'far/Chart.yaml': 'apiVersion: v2\nname: far\nversion: 2.3.4\n', 'far/templates/x.yaml': template }));
    const wanted: unknown[] = [];
    const { objects } = await render(undefined, files, {
      fetch: (chart) => {
        wanted.push(chart);
        return Promise.resolve(archive);
      },
    });
    expect(objects.map(({ object }) => object.metadata?.name)).toEqual(['far-2.3.4', 'near-1.1.0']);
    expect(wanted).toEqual([{ name: 'far', version: '2.3.4', repository: 'https://charts.example.com' }]);
  });
});

function tar(files: Readonly<Record<string, string>>): Buffer {
  const blocks = Object.entries(files).map(([name, text]) => {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write(Buffer.byteLength(text).toString(8).padStart(11, '0'), 124);
    header.write('0', 156);
    header.write('ustar', 257);
    return Buffer.concat([header, Buffer.from(text), Buffer.alloc((512 - (Buffer.byteLength(text) % 512)) % 512)]);
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

describe('archives', () => {
  test('are unpacked below their folder only', () => {
    expect(readArchive(gzipSync(tar({ 'c/Chart.yaml': 'x', 'c/a/../b': 'y' }))).map(({ name }) => name)).toEqual(['Chart.yaml', 'b']);
    expect(() => readArchive(gzipSync(tar({ 'c/../../x': 'x' })))).toThrow('chart illegally references parent directory');
    expect(() => readArchive(gzipSync(tar({ 'c//etc/x': 'x' })))).toThrow('chart illegally contains absolute paths');
    expect(() => readArchive(gzipSync(tar({ 'Chart.yaml': 'x' })))).toThrow('chart illegally contains content outside the base directory');
    expect(() => readArchive(Buffer.from('no'))).toThrow('gzip: invalid header');
  });

  test('that blow up are stopped', () => {
    const bomb = gzipSync(Buffer.alloc(110 * 1024 * 1024));
    expect(() => readArchive(bomb)).toThrow('decompressed chart is larger than the maximum size');
  });
});

describe('rendering a chart', () => {
  const chart = loadChart(
    Object.entries({
      'Chart.yaml': 'apiVersion: v2\nname: c\nversion: 1.0.0\n',
      'templates/b.yaml': 'kind: Service\nmetadata: {name: s}\n---\nkind: Namespace\nmetadata: {name: n}\n--- \n# nothing\n',
      'templates/hook.yaml': 'kind: Job\nmetadata: {name: j, annotations: {"helm.sh/hook": "pre-install,post-upgrade", "helm.sh/hook-weight": "-3"}}\n',
      'templates/NOTES.txt': 'hello {{ .Release.Name }}',
      'templates/_x.tpl': '{{ define "x" }}1{{ end }}',
      'templates/r.yaml': '{{ if .Values.random }}kind: Secret\ndata: {{ randAlphaNum 5 }}{{ end }}',
    }).map(([name, text]) => ({ name, data: Buffer.from(text) })),
  );
  const options = { release: 'r', namespace: 'n' };

  test('prints what helm template prints', () => {
    const release = renderChart(chart, mergeUserValues({}), options);
    expect(formatRelease(release)).toBe(
      '---\n# Source: c/templates/b.yaml\nkind: Namespace\nmetadata: {name: n}\n\n---\n# Source: c/templates/b.yaml\nkind: Service\nmetadata: {name: s}\n\n---\n# Source: c/templates/b.yaml\n# nothing\n' +
        '---\n# Source: c/templates/hook.yaml\nkind: Job\nmetadata: {name: j, annotations: {"helm.sh/hook": "pre-install,post-upgrade", "helm.sh/hook-weight": "-3"}}\n\n',
    );
    expect(release.notes).toBe('hello r');
    expect(release.hooks[0]).toMatchObject({ events: ['pre-install', 'post-upgrade'], weight: -3 });
    expect(release.nonDeterministic).toEqual([]);
  });

  test('twice gives the same, and tells when it would not', () => {
    const once = formatRelease(renderChart(chart, mergeUserValues({}), options));
    expect(formatRelease(renderChart(chart, mergeUserValues({}), options))).toBe(once);
    expect(renderChart(chart, mergeUserValues({ set: ['random=true'] }), options).nonDeterministic).toEqual(['randAlphaNum']);
  });

  test('is stopped by its budget', () => {
    const loop = loadChart([
      { name: 'Chart.yaml', data: Buffer.from('apiVersion: v2\nname: c\nversion: 1.0.0\n') },
      { name: 'templates/x.yaml', data: Buffer.from('{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}') },
    ]);
    const budget = { steps: 100_000, outputBytes: 10_000_000, depth: 100 };
    expect(() => renderChart(loop, mergeUserValues({}), { ...options, budget })).toThrow(/more than 100000 execution steps/);
  });

  test('follows Helm 3 where it differs', () => {
    const made = loadChart(
      Object.entries({
        'Chart.yaml': 'apiVersion: v2\nname: c\nversion: 1.0.0\n',
        'values.yaml': 'a: {x: null}\n',
        'templates/x.yaml': 'kind: X\nv: {{ .Values | toJson }}\n\n---\nkind: {{ .Values.kind | default "Y" }}\nn: {{ .Chart.nothing }}\n',
      }).map(([name, text]) => ({ name, data: Buffer.from(text) })),
    );
    expect(formatRelease(renderChart(made, mergeUserValues({}), options))).toContain('v: {"a":{}}\n\n\n---');
    expect(() => renderChart(made, mergeUserValues({}), { ...options, compat: 'helm3' })).toThrow(
      "at <.Chart.nothing>: can't evaluate field nothing in type interface {}",
    );
  });

  test('refuses a library', () => {
    const library = loadChart([{ name: 'Chart.yaml', data: Buffer.from('apiVersion: v2\nname: c\nversion: 1.0.0\ntype: library\n') }]);
    expect(() => renderChart(library, mergeUserValues({}), options)).toThrow(HelmError);
  });
});
