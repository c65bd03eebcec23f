import type { Snapshot } from '@tiphys/delivery-git';
import type { JsonObject } from '@tiphys/kube-model';
import { describe, expect, it } from 'vitest';
import type { ApplicationSet, ApplicationSetSpec, Generator } from './application-set.ts';
import { generate } from './generators/generate.ts';
import type { GeneratorWorld, HttpCall } from './generators/context.ts';
import { renderApplication } from './render-application.ts';
import { parseApplicationSet } from './schema.ts';

const signal = AbortSignal.timeout(10_000);
const template = { metadata: { name: 'app' }, spec: { project: 'default' } };

function setOf(spec: Partial<ApplicationSetSpec> & { readonly generators: readonly Generator[] }): ApplicationSet {
  const parsed = parseApplicationSet({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'ApplicationSet',
    metadata: { name: 'set', namespace: 'argocd' },
    spec: { template, ...spec },
  } as never);
  if (parsed.kind === 'invalid') throw new Error(parsed.problems.join('; '));
  return parsed.value;
}

function filesOf(files: Readonly<Record<string, string>>): Snapshot {
  const paths = Object.keys(files);
  const names = (folder: string) => {
    const inside = paths.filter((path) => folder === '' || path.startsWith(`${folder}/`)).map((path) => (folder === '' ? path : path.slice(folder.length + 1)));
    return [...new Set(inside.map((path) => path.split('/')[0] ?? ''))].map((name) => ({
      name,
      kind: inside.includes(name) ? ('file' as const) : ('directory' as const),
      oid: name,
    }));
  };
  return {
    repoURL: 'r',
    commit: 'c',
    list: (folder) => Promise.resolve(names(folder)),
    read: (path) => Promise.resolve(new TextEncoder().encode(files[path])),
    stat: () => Promise.resolve(undefined),
    oid: () => Promise.resolve(undefined),
  };
}

function world(
  parts: { readonly files?: Readonly<Record<string, string>>; readonly objects?: readonly JsonObject[]; readonly http?: (call: HttpCall) => unknown } = {},
): GeneratorWorld {
  const cluster = (name: string, labels: Readonly<Record<string, string>>) => ({ name, server: `https://${name}`, labels, annotations: { owner: name } });
  return {
    clusters: () => [
      cluster('prod_EU', { env: 'prod' }),
      cluster('stage', { env: 'stage' }),
      { name: 'in-cluster', server: 'https://kubernetes.default.svc', labels: {}, annotations: {}, isImplicit: true },
    ],
    snapshot: () => Promise.resolve(filesOf(parts.files ?? {})),
    secret: (name) =>
      name === 'token'
        ? { apiVersion: 'v1', kind: 'Secret', metadata: { name }, data: { key: Buffer.from('t0ken').toString('base64') } }
        : name === 'repo'
          ? { apiVersion: 'v1', kind: 'Secret', metadata: { name, labels: { 'argocd.argoproj.io/secret-type': 'repository' } }, data: { key: 'eA==' } }
          : undefined,
    configMap: (name) =>
      name === 'duck'
        ? {
            apiVersion: 'v1',
            kind: 'ConfigMap',
            metadata: { name },
            data: { apiVersion: 'x/v1', kind: 'Placement', statusListKey: 'decisions', matchKey: 'clusterName' },
          }
        : name === 'svc'
          ? { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { baseUrl: 'http://svc', token: '$token:key' } }
          : undefined,
    objects: () => Promise.resolve(parts.objects ?? []),
    http: (call) => Promise.resolve({ status: 200, headers: {}, body: parts.http?.(call) }),
  };
}
const parametersOf = async (generators: readonly Generator[], of: GeneratorWorld = world(), spec: Partial<ApplicationSetSpec> = {}) =>
  (await generate(setOf({ ...spec, generators }), of, signal)).map(({ parameters }) => parameters);

const tree = {
  'apps/web/kustomization.yaml': '',
  'apps/web/deep/x.yaml': '',
  'apps/API_v2/a.yaml': '',
  '.github/x': '',
  'config/eu/config.json': '{"name":"eu","nested":{"size":3},"list":["a"]}',
  'config/us/east/config.json': '[{"name":"us1"},{"name":"us2"}]',
  'config/skip/config.json': '{"name":"skip"}',
};

describe('generators', () => {
  it('list: elements as they are, or by name; and YAML', async () => {
    const list = { elements: [{ a: 'x', values: { b: 'y' } }], elementsYaml: '- {a: z, size: 2}' };
    expect(await parametersOf([{ list }])).toEqual([
      { a: 'x', 'values.b': 'y' },
      { a: 'z', size: '2' },
    ]);
    expect(await parametersOf([{ list }], world(), { goTemplate: true })).toEqual([
      { a: 'x', values: { b: 'y' } },
      { a: 'z', size: 2 },
    ]);
  });

  it('clusters: all with the own one, or those a selector takes', async () => {
    expect((await parametersOf([{ clusters: {} }])).map(({ name, nameNormalized }) => [name, nameNormalized])).toEqual([
      ['in-cluster', 'in-cluster'],
      ['prod_EU', 'prod-eu'],
      ['stage', 'stage'],
    ]);
    expect(await parametersOf([{ clusters: { selector: { matchLabels: { env: 'prod' } }, values: { v: '{{name}}-{{metadata.labels.env}}' } } }])).toEqual([
      {
        name: 'prod_EU',
        nameNormalized: 'prod-eu',
        server: 'https://prod_EU',
        project: '',
        'metadata.labels.env': 'prod',
        'metadata.annotations.owner': 'prod_EU',
        'values.v': 'prod_EU-prod',
      },
    ]);
    const flat = await parametersOf([{ clusters: { flatList: true, selector: { matchExpressions: [{ key: 'env', operator: 'Exists' }] } } }], world(), {
      goTemplate: true,
    });
    expect(flat).toEqual([
      {
        clusters: [
          expect.objectContaining({ name: 'prod_EU', metadata: { labels: { env: 'prod' }, annotations: { owner: 'prod_EU' } } }),
          expect.objectContaining({ name: 'stage' }),
        ],
      },
    ]);
  });

  it('git: folders by patterns', async () => {
    const git = { repoURL: 'r', directories: [{ path: 'apps/*' }, { path: 'apps/web', exclude: true }] };
    expect(await parametersOf([{ git }], world({ files: tree }))).toEqual([
      { path: 'apps/API_v2', 'path.basename': 'API_v2', 'path.basenameNormalized': 'api-v2', 'path[0]': 'apps', 'path[1]': 'API_v2' },
    ]);
    const go = await parametersOf(
      [{ git: { repoURL: 'r', directories: [{ path: 'apps/*/*' }], pathParamPrefix: 'src', values: { v: '{{ .src.path.basename }}' } } }],
      world({ files: tree }),
      { goTemplate: true },
    );
    expect(go).toEqual([
      { src: { path: { path: 'apps/web/deep', basename: 'deep', basenameNormalized: 'deep', segments: ['apps', 'web', 'deep'] } }, values: { v: 'deep' } },
    ]);
  });

  it('git: files with what they hold, stars crossing folders', async () => {
    const git = { repoURL: 'r', files: [{ path: 'config/**/config.json' }, { path: 'config/skip/*', exclude: true }] };
    expect(await parametersOf([{ git }], world({ files: tree }))).toEqual([
      expect.objectContaining({ name: 'eu', 'nested.size': '3', path: 'config/eu', 'path.filename': 'config.json', 'path[1]': 'eu' }),
      expect.objectContaining({ name: 'us1', path: 'config/us/east' }),
      expect.objectContaining({ name: 'us2' }),
    ]);
    const [go] = await parametersOf([{ git }], world({ files: tree }), { goTemplate: true });
    expect(go).toMatchObject({ nested: { size: 3 }, list: ['a'], path: { path: 'config/eu', filename: 'config.json', filenameNormalized: 'config.json' } });
  });

  it('matrix: every pair, the second filled by the first', async () => {
    const matrix = {
      generators: [{ git: { repoURL: 'r', directories: [{ path: 'apps/*' }] } }, { list: { elements: [{ url: 'https://{{path.basename}}' }, { url: 'b' }] } }],
    };
    expect((await parametersOf([{ matrix }], world({ files: tree }))).map(({ url, path }) => `${String(path)} ${String(url)}`)).toEqual([
      'apps/API_v2 https://API_v2',
      'apps/API_v2 b',
      'apps/web https://web',
      'apps/web b',
    ]);
    const clash = { generators: [{ list: { elements: [{ a: '1' }] } }, { list: { elements: [{ a: '2' }] } }] };
    await expect(parametersOf([{ matrix: clash }])).rejects.toThrow("parameter 'a' is given as");
    expect(await parametersOf([{ matrix: clash }], world(), { goTemplate: true })).toEqual([{ a: '1' }]);
  });

  it('merge: completes the first by keys, nested generators too', async () => {
    const merge = {
      mergeKeys: ['server'],
      generators: [
        {
          list: {
            elements: [
              { server: 'a', v: '1' },
              { server: 'b', v: '1' },
            ],
          },
        },
        { matrix: { generators: [{ list: { elements: [{ server: 'b' }] } }, { list: { elements: [{ v: '2', w: '3' }] } }] } },
        { list: { elements: [{ server: 'none', v: '9' }] } },
      ],
    };
    expect(await parametersOf([{ merge }])).toEqual([
      { server: 'a', v: '1' },
      { server: 'b', v: '2', w: '3' },
    ]);
    const twice = { ...merge, generators: [{ list: { elements: [{ server: 'a' }, { server: 'a' }] } }, ...merge.generators.slice(1)] };
    await expect(parametersOf([{ merge: twice }])).rejects.toThrow('not unique by the given mergeKeys');
  });

  it('clusterDecisionResource: clusters that objects decided on', async () => {
    const objects = [{ status: { decisions: [{ clusterName: 'stage', reason: 'near' }, { clusterName: 'unknown' }] } }];
    expect(await parametersOf([{ clusterDecisionResource: { configMapRef: 'duck', name: 'p' } }], world({ objects }))).toEqual([
      { name: 'stage', server: 'https://stage', 'metadata.labels.env': 'stage', clusterName: 'stage', reason: 'near' },
    ]);
  });

  it('plugin: what a service answers, asked with its token', async () => {
    const calls: HttpCall[] = [];
    const http = (call: HttpCall) => {
      calls.push(call);
      return { output: { parameters: [{ key: 'v', deep: { n: 1 } }] } };
    };
    const plugin = { configMapRef: { name: 'svc' }, input: { parameters: { p: 'q' } } };
    expect(await parametersOf([{ plugin }], world({ http }))).toEqual([{ key: 'v', 'deep.n': '1', 'generator.input.parameters.p': 'q' }]);
    expect(calls[0]).toMatchObject({
      url: 'http://svc/api/v1/getparams.execute',
      headers: { authorization: 'Bearer t0ken' },
      body: { applicationSetName: 'set', input: { parameters: { p: 'q' } } },
    });
  });

  it('selectors keep what matches', async () => {
    expect(
      await parametersOf([
        { list: { elements: [{ env: 'a' }, { env: 'b' }] }, selector: { matchExpressions: [{ key: 'env', operator: 'In', values: ['b'] }] } },
      ]),
    ).toEqual([{ env: 'b' }]);
  });

  it('may not read Secrets of repositories', async () => {
    const github = { organization: 'o', tokenRef: { secretName: 'repo', key: 'key' } };
    await expect(parametersOf([{ scmProvider: { github } }])).rejects.toMatchObject({ detail: { code: 'notAllowed' } });
  });
});

describe('templates', () => {
  const applications = async (spec: Partial<ApplicationSetSpec> & { readonly generators: readonly Generator[] }) => {
    const set = setOf(spec);
    return (await generate(set, world(), signal)).map((generated) => renderApplication(set, generated));
  };

  it('are filled by names, unknown ones staying as they are', async () => {
    const [application] = await applications({
      generators: [{ list: { elements: [{ cluster: 'eu', n: 3 }] } }],
      template: {
        metadata: { name: '{{ cluster }}-app', labels: { '{{cluster}}': '{{n}}' } },
        spec: { project: 'default', source: { repoURL: 'https://x/{{cluster}}', helm: { values: 'a: {{unknown}}' } } },
      },
    });
    expect(application).toEqual({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Application',
      metadata: { name: 'eu-app', namespace: 'argocd', labels: { eu: '3' }, finalizers: ['resources-finalizer.argocd.argoproj.io'] },
      spec: { project: 'default', source: { repoURL: 'https://x/eu', helm: { values: 'a: {{unknown}}' } } },
    });
  });

  it('are filled as Go templates, with Sprig, and patched', async () => {
    const [first, second] = await applications({
      goTemplate: true,
      goTemplateOptions: ['missingkey=error'],
      generators: [
        {
          list: {
            elements: [
              { name: 'Web App', auto: true },
              { name: 'b', auto: false },
            ],
          },
        },
      ],
      template: {
        metadata: { name: '{{ .name | normalize }}', annotations: { slug: '{{ slugify 5 true .name }}' } },
        spec: { project: 'team', destination: { namespace: '{{ .name | lower | replace " " "-" }}' } },
      },
      templatePatch: '{{ if .auto }}\nspec:\n  project: other\n  syncPolicy: { automated: { prune: true } }\nmetadata: { name: moved }\n{{ end }}',
      syncPolicy: { preserveResourcesOnDeletion: true },
    });
    expect(first).toMatchObject({
      metadata: { name: 'web-app', annotations: { slug: 'web' } },
      spec: { project: 'team', destination: { namespace: 'web-app' }, syncPolicy: { automated: { prune: true } } },
    });
    expect(first?.metadata.finalizers).toBeUndefined();
    expect(second?.spec).toEqual({ project: 'team', destination: { namespace: 'b' } });
  });

  it('of a generator come before those of the set', async () => {
    const [application] = await applications({
      generators: [{ list: { elements: [{ a: '1' }], template: { spec: { project: 'own', destination: { server: '{{a}}' } } } } }],
      template: { metadata: { name: 'x' }, spec: { project: 'default', destination: { namespace: 'n' } } },
    });
    expect(application?.spec).toEqual({ project: 'own', destination: { namespace: 'n', server: '1' } });
  });

  it.each([
    [
      'a missing key',
      { goTemplate: true, goTemplateOptions: ['missingkey=error'], template: { metadata: { name: '{{ .none }}' } } },
      'map has no entry for key',
    ],
    ['a function that reaches outside', { goTemplate: true, template: { metadata: { name: '{{ env "HOME" }}' } } }, 'function "env" not defined'],
    [
      'an endless template',
      { goTemplate: true, template: { metadata: { name: '{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}' } } },
      'failed to execute go template',
    ],
    ['a name no object can have', { template: { metadata: { name: 'Not Valid' } } }, 'which no object can have'],
    ['no name', { template: { metadata: {} } }, 'without a name'],
  ])('with %s are an error', async (_, spec, message) => {
    await expect(applications({ ...spec, generators: [{ list: { elements: [{}] } }] })).rejects.toThrow(message);
  });
});

describe('a set', () => {
  it.each([
    [{ generators: [] }, 'needs a generator'],
    [{ generators: [{}] }, 'must have exactly one of'],
    [{ generators: [{ list: {}, clusters: {} }] }, 'must have exactly one of'],
    [{ generators: [{ git: { repoURL: 'r' } }] }, 'needs directories or files'],
    [{ generators: [{ matrix: { generators: [{ list: {} }] } }] }, 'must be two'],
    [
      {
        generators: [
          {
            matrix: {
              generators: [{ list: {} }, { matrix: { generators: [{ list: {} }, { merge: { generators: [{ list: {} }, { list: {} }], mergeKeys: ['a'] } }] } }],
            },
          },
        ],
      },
      'must have exactly one of',
    ],
    [{ generators: [{ list: {} }], goTemplateOptions: ['x'] }, 'is not an option'],
  ])('%j is refused', (spec, message) => {
    expect(() => setOf(spec as never)).toThrow(message);
  });
});
