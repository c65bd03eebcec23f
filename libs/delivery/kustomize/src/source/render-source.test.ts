import { describe, expect, it } from 'vitest';
import { KustomizeError } from '../kustomize-error.ts';
import { memoryReads } from '../memory-reads.test-suite.ts';
import { detectKustomizeSource, renderKustomizeSource, type KustomizeSourceOutput, type KustomizeSourceRequest } from './render-source.ts';

const DEPLOYMENT = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      initContainers: [{name: init, image: 'busybox:1'}]
      containers: [{name: main, image: 'registry.example/web:1.0'}, {name: side, image: nginx}]
`;

const FILES = {
  'app/kustomization.yaml': 'resources: [deployment.yaml]',
  'app/deployment.yaml': DEPLOYMENT,
  'parts/kustomization.yaml': 'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnameSuffix: -part',
};

function request(kustomize?: object, folder = 'app'): KustomizeSourceRequest {
  const source = { repoURL: 'https://git.example/repo', targetRevision: 'main', ...(kustomize === undefined ? {} : { kustomize }) };
  return { source, path: folder, environment: { application: 'shop', namespace: 'prod', project: 'team' } };
}

function readsOf(files: Readonly<Record<string, string>>): Parameters<typeof renderKustomizeSource>[1] {
  return {
    ...memoryReads(files),
    capabilities: () => Promise.resolve({ kubeVersion: '1.31.2', apiVersions: ['v1', 'apps/v1'] }),
    revision: () => Promise.resolve('abcdef0123456789'),
  };
}

function render(kustomize?: object, files: Readonly<Record<string, string>> = FILES): Promise<KustomizeSourceOutput> {
  return renderKustomizeSource(request(kustomize), readsOf(files));
}

async function first(kustomize: object, files: Readonly<Record<string, string>> = FILES): Promise<unknown> {
  return (await render(kustomize, files)).objects[0]?.object;
}

async function refusal(kustomize: object, files?: Readonly<Record<string, string>>): Promise<string> {
  try {
    await render(kustomize, files);
  } catch (error) {
    if (error instanceof KustomizeError) return error.message;
    throw error;
  }
  return '';
}

describe('detectKustomizeSource', () => {
  it('takes the block, then any of the three file names', async () => {
    expect(await detectKustomizeSource(request({}, 'nowhere'), readsOf({}))).toBe(true);
    for (const name of ['kustomization.yaml', 'kustomization.yml', 'Kustomization']) {
      expect(await detectKustomizeSource(request(), readsOf({ [`app/${name}`]: '' }))).toBe(true);
    }
    expect(await detectKustomizeSource(request(), readsOf({ 'app/kustomization.json': '', 'app/Kustomization/x': '' }))).toBe(false);
  });

  it('leaves sources to the tool their block names', async () => {
    const { source, ...rest } = request();
    expect(await detectKustomizeSource({ ...rest, source: { ...source, directory: {} } }, readsOf(FILES))).toBe(false);
  });
});

describe('renderKustomizeSource', () => {
  it('returns the objects with their file, and the images of all containers', async () => {
    const { objects, problems, images } = await render();
    expect(problems).toEqual([]);
    expect(objects).toMatchObject([{ object: { kind: 'Deployment', metadata: { name: 'web' } }, file: 'app/deployment.yaml' }]);
    expect(images).toEqual(['busybox:1', 'nginx', 'registry.example/web:1.0']);
  });

  it('sets prefix, suffix and namespace over those of the kustomization', async () => {
    const files = { ...FILES, 'app/kustomization.yaml': 'resources: [deployment.yaml]\nnamePrefix: old-\nnamespace: old\n' };
    const metadata = { name: 'a-web-z', namespace: 'new' };
    expect(await first({ namePrefix: 'a-', nameSuffix: '-z', namespace: 'new' }, files)).toMatchObject({ metadata });
  });

  it('sets images and keeps what * stands for', async () => {
    const files = {
      ...FILES,
      'app/kustomization.yaml': 'resources: [deployment.yaml]\nimages: [{name: nginx, newName: mirror/nginx, newTag: "1"}, {name: busybox, newTag: "2"}]\n',
    };
    const { images } = await render({ images: ['nginx=*:9', 'registry.example/web@sha256:aa'] }, files);
    expect(images).toEqual(['busybox:2', 'mirror/nginx:9', 'registry.example/web@sha256:aa']);
    expect((await render({ images: ['nginx=other/nginx:$ARGOCD_APP_NAME'] })).images).toContain('other/nginx:shop');
    expect(await refusal({ images: ['nginx'] })).toContain('invalid format of image "nginx"');
  });

  it('sets replicas from numbers and texts', async () => {
    expect(await first({ replicas: [{ name: 'web', count: 3 }] })).toMatchObject({ spec: { replicas: 3 } });
    expect(await first({ replicas: [{ name: 'web', count: '4' }] })).toMatchObject({ spec: { replicas: 4 } });
    expect(await refusal({ replicas: [{ name: 'web', count: 'four' }] })).toContain('"replicas" must be');
  });

  it('adds common labels to selectors, or not, and to templates', async () => {
    const labels = { team: '$ARGOCD_APP_PROJECT_NAME' };
    const selected = await first({ commonLabels: labels });
    expect(selected).toMatchObject({ metadata: { labels: { team: 'team' } }, spec: { selector: { matchLabels: { app: 'web', team: 'team' } } } });
    const plain = await first({ commonLabels: labels, labelWithoutSelector: true });
    expect(plain).toMatchObject({ metadata: { labels: { team: 'team' } }, spec: { template: { metadata: { labels: { app: 'web' } } } } });
    expect(JSON.stringify(plain).split('"team"')).toHaveLength(3);
    const templates = await first({ commonLabels: labels, labelWithoutSelector: true, labelIncludeTemplates: true });
    expect(templates).toMatchObject({ spec: { selector: { matchLabels: { app: 'web' } }, template: { metadata: { labels: { team: 'team' } } } } });
    expect(await refusal({ commonLabels: labels, labelIncludeTemplates: true })).toContain('needs labelWithoutSelector');
  });

  it('overrides labels and annotations only when forced', async () => {
    const files = { ...FILES, 'app/kustomization.yaml': 'resources: [deployment.yaml]\ncommonLabels: {team: a}\ncommonAnnotations: {note: a}\n' };
    expect(await refusal({ commonLabels: { team: 'b' } }, files)).toContain('label team already in kustomization file');
    expect(await refusal({ commonAnnotations: { note: 'b' } }, files)).toContain('annotation note already in kustomization file');
    const forced = { commonLabels: { team: 'b' }, forceCommonLabels: true, commonAnnotations: { note: 'b' }, forceCommonAnnotations: true };
    expect(await first(forced, files)).toMatchObject({ metadata: { labels: { team: 'b' }, annotations: { note: 'b' } } });
  });

  it('substitutes in annotations only when asked', async () => {
    const commonAnnotations = { rev: '$ARGOCD_APP_REVISION_SHORT' };
    expect(await first({ commonAnnotations })).toMatchObject({ metadata: { annotations: { rev: '$ARGOCD_APP_REVISION_SHORT' } } });
    expect(await first({ commonAnnotations, commonAnnotationsEnvsubst: true })).toMatchObject({ metadata: { annotations: { rev: 'abcdef0' } } });
  });

  it('applies patches with their target and options, inline or from a file', async () => {
    const files = { ...FILES, 'app/patch.yaml': '- {op: replace, path: /spec/replicas, value: 7}\n' };
    const target = { kind: 'Deployment', labelSelector: 'app=web' };
    expect(await first({ patches: [{ path: 'patch.yaml', target }] }, files)).toMatchObject({ spec: { replicas: 7 } });
    const patch = 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: renamed}\n';
    expect(await first({ patches: [{ patch, target, options: { allowNameChange: true } }] })).toMatchObject({ metadata: { name: 'renamed' } });
    expect(await first({ patches: [{ patch, target }] })).toMatchObject({ metadata: { name: 'web' } });
  });

  it('adds components, and skips missing ones when asked', async () => {
    expect(await first({ components: ['../parts'] })).toMatchObject({ metadata: { name: 'web-part' } });
    expect(await refusal({ components: ['../parts', '../nowhere'] })).toContain('nowhere');
    const ignoring = { components: ['../parts', '../nowhere', '../../outside'], ignoreMissingComponents: true };
    expect(await first(ignoring)).toMatchObject({ metadata: { name: 'web-part' } });
  });

  it('builds as one version, and refuses others', async () => {
    expect(await refusal({ version: 'v5.8.1' })).toBe('');
    expect(await refusal({ version: '5.8.1' })).toBe('');
    expect(await refusal({ version: 'v4.0.0' })).toContain('v4.0.0 is not available');
  });

  it('names a field of a wrong type', async () => {
    expect(await refusal({ images: 'nginx' })).toContain('"images" must be');
    expect(await refusal({ namePrefix: 1 })).toContain('"namePrefix" must be');
    expect(await refusal({ patches: [{ target: [] }] })).toContain('"target" must be');
  });
});
