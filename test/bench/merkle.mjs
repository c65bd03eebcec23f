#!/usr/bin/env node
// What a commit costs in a repository of many applications with shared bases: how many are rendered anew, and how long all of them take.
// Usage: node test/bench/merkle.mjs [applications] [bases]
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createRepositoryStore } from '../../libs/delivery/git/dist/index.js';
import { createRenderer } from '../../libs/delivery/render/dist/index.js';
import { createLogger } from '../../libs/kernel/dist/index.js';

const applications = Number(process.argv[2] ?? 1000);
const bases = Number(process.argv[3] ?? 10);
const folder = mkdtempSync(path.join(tmpdir(), 'tiphys-merkle-'));
const repository = path.join(folder, 'repo');
const signal = AbortSignal.timeout(600_000);
const git = (...args) => execFileSync('git', ['-C', repository, '-c', 'user.name=b', '-c', 'user.email=b@b', ...args], { encoding: 'utf8' }).trim();
const write = (name, text) => {
  mkdirSync(path.dirname(path.join(repository, name)), { recursive: true });
  writeFileSync(path.join(repository, name), text);
};

mkdirSync(repository);
git('init', '--quiet', '--initial-branch=main');
for (let base = 0; base < bases; base += 1) {
  write(`bases/b${base}/kustomization.yaml`, 'resources: [deployment.yaml, service.yaml]\n');
  write(
    `bases/b${base}/deployment.yaml`,
    `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 1, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: 'web:1'}]}}}\n`,
  );
  write(`bases/b${base}/service.yaml`, 'apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n');
}
for (let index = 0; index < applications; index += 1) {
  write(
    `apps/a${index}/kustomization.yaml`,
    `resources: [../../bases/b${index % bases}]\nnamePrefix: a${index}-\nconfigMapGenerator: [{name: settings, literals: [index=${index}]}]\n`,
  );
}
git('add', '--all');
git('commit', '--quiet', '--message', 'first');

const renderer = createRenderer({ logger: createLogger({ level: 'silent' }) });
const store = createRepositoryStore({ cacheDirectory: path.join(folder, 'cache') });

async function renderAll(what) {
  const opened = await store.open(repository);
  const snapshot = await opened.snapshot(git('rev-parse', 'HEAD'), signal);
  const before = { ...renderer.counters };
  const startedAt = performance.now();
  for (let index = 0; index < applications; index += 1) {
    const environment = { application: `a${index}`, namespace: 'default', project: 'default' };
    await renderer.render({ repoURL: repository, path: `apps/a${index}` }, environment, { snapshot }, { signal });
  }
  const row = {
    what,
    renders: renderer.counters.renders - before.renders,
    unchanged: renderer.counters.hits - before.hits,
    ms: Math.round(performance.now() - startedAt),
  };
  process.stdout.write(`${JSON.stringify(row)}\n`);
}

function commit(what, name, text) {
  write(name, text);
  git('commit', '--quiet', '--all', '--message', what);
}

try {
  await renderAll(`${applications} applications for the first time`);
  commit('one overlay', 'apps/a7/kustomization.yaml', `resources: [../../bases/b7]\nnamePrefix: changed-\n`);
  await renderAll('a commit that touches one overlay');
  commit('one base', 'bases/b3/service.yaml', 'apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 81}]}\n');
  await renderAll(`a commit that touches one of ${bases} bases`);
  write('README.md', 'text\n');
  git('add', '--all');
  git('commit', '--quiet', '--message', 'nothing that is rendered');
  await renderAll('a commit that touches nothing rendered');
} finally {
  await renderer.close();
  rmSync(folder, { recursive: true, force: true });
}
