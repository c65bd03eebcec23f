import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseManifests } from '@tiphys/kube-yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderLocal } from './render-local.ts';

const CHART = path.join(import.meta.dirname, '../../../../charts/tiphys');
const MAIN = path.join(import.meta.dirname, '../../dist/main.js');
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tiphys-render-'));
  await mkdir(path.join(folder, 'plain'));
  await mkdir(path.join(folder, 'escape'));
  await writeFile(path.join(folder, 'plain/a.yaml'), 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n');
  for (const [name, text] of [
    ['base/kustomization.yaml', 'resources: [a.yaml]\n'],
    ['base/a.yaml', 'kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\ndata: {v: "010"}\n'],
    ['overlay/kustomization.yaml', 'resources: [../base]\nnamePrefix: p-\n'],
  ] as const) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), text);
  }
  await symlink('/etc/hostname', path.join(folder, 'escape/b.yaml'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const objectsOf = (text: string) => parseManifests(text, { source: 'out' }).objects.map(({ object }) => `${object.kind}/${object.metadata.name ?? ''}`);

describe('renderLocal', () => {
  it('renders our own chart into what it promises', async () => {
    const text = await renderLocal({ path: CHART, release: 'ops', namespace: 'tiphys' });
    expect(objectsOf(text)).toEqual([
      'ServiceAccount/ops',
      'Secret/ops',
      'ClusterRoleBinding/ops-tiphys',
      'Service/ops',
      'Deployment/ops-controller',
      'Deployment/ops-server',
    ]);
    expect(text).toContain('--namespace=tiphys');
  });

  it('takes values, and refuses what the chart refuses', async () => {
    const text = await renderLocal({ path: CHART, release: 'ops', set: ['controller.replicas=3', 'redis.url=redis://r:6379', 'auth.existingSecret=mine'] });
    expect(text).toContain('replicas: 3');
    expect(text).toContain('--redis=redis://r:6379');
    expect(objectsOf(text)).not.toContain('Secret/ops');
    await expect(renderLocal({ path: CHART, set: ['controller.replicas=3'] })).rejects.toMatchObject({
      name: 'HelmError',
      message: expect.stringContaining('controller.replicas above 1 needs redis.url'),
    });
  });

  it('renders plain folders, and reads nothing outside of them', async () => {
    expect(objectsOf(await renderLocal({ path: path.join(folder, 'plain') }))).toEqual(['ConfigMap/a']);
    await expect(renderLocal({ path: path.join(folder, 'escape') })).rejects.toThrow('leads out of');
  });

  it('builds kustomizations, told or found, on bases beside them', async () => {
    const expected = 'apiVersion: v1\ndata:\n  v: "010"\nkind: ConfigMap\nmetadata:\n  name: p-a\n';
    expect(await renderLocal({ path: path.join(folder, 'overlay') })).toBe(expected);
    expect(await renderLocal({ path: path.join(folder, 'overlay'), tool: 'kustomize' })).toBe(expected);
    await expect(renderLocal({ path: path.join(folder, 'plain'), tool: 'kustomize' })).rejects.toMatchObject({ name: 'KustomizeError' });
  });
});

it('answers a batch line by line, in order, errors among answers', async () => {
  const child = spawn(process.execPath, [MAIN, 'render', '--batch'], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(
    [
      JSON.stringify({ id: 1, path: CHART, release: 'a' }),
      '{not json',
      JSON.stringify({ id: 3, path: path.join(folder, 'none') }),
      JSON.stringify({ id: 4, path: path.join(folder, 'plain'), tool: 'directory' }),
    ].join('\n'),
  );
  let text = '';
  for await (const chunk of child.stdout) text += String(chunk);
  const answers = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly id?: number; readonly out?: string; readonly error?: string; readonly code?: string; readonly ms: number });
  expect(answers.map(({ id, code }) => [id, code])).toEqual([
    [1, undefined],
    [undefined, 'request'],
    [3, 'usage'],
    [4, undefined],
  ]);
  expect(answers[0]?.out).toContain('kind: Deployment');
  expect(answers[3]?.out).toContain('name: a');
  for (const { ms } of answers) expect(ms).toBeGreaterThanOrEqual(0);
});
