import { afterAll, describe, expect, it } from 'vitest';
import { defaultResourceSettings, parseResourceSettings, type ResourceSettings } from '@tiphys/delivery-applications';
import { createScriptEngine } from '@tiphys/delivery-scripts';
import type { KubeObject } from '@tiphys/kube-model';
import { schemaNodeOf } from '@tiphys/kube-patch';
import { compareWithRules } from './compare-with-rules.ts';
import { listActions, prepareAction } from './resource-actions.ts';
import { createHealthBook } from './scripted-health.ts';

const scripts = createScriptEngine({ maxWorkers: 1 });
afterAll(() => scripts.close());
const signal = new AbortController().signal;

function settings(data: Readonly<Record<string, string>>): ResourceSettings {
  const { settings: parsed, problems } = parseResourceSettings(data);
  expect(problems).toEqual([]);
  return parsed;
}

let serial = 0;
function thing(fields: object, kind = 'Thing', apiVersion = 'example.org/v1'): KubeObject {
  serial += 1;
  return { apiVersion, kind, metadata: { name: 't', namespace: 'n', uid: `u${serial}`, resourceVersion: '1' }, ...fields } as KubeObject;
}

describe('health by rules of users', () => {
  const book = createHealthBook({
    scripts,
    settings: () => rules,
  });
  let rules = settings({
    'resource.customizations.health.example.org_Thing': 'return { status = obj.status.ok and "Healthy" or "Degraded", message = obj.status.why }',
    'resource.customizations.healthCEL.example.org_Cel':
      '- {status: Degraded, when: "self.status.failed == true", messageExpression: "self.status.why"}\n- {status: Healthy, when: "has(self.status.ready)"}',
    'resource.customizations.health.Secret': 'return { status = "Healthy", message = obj.data.password }',
    'resource.customizations.health.example.org_Broken': 'return obj.status.a.b',
    'resource.customizations.health.example.org_Endless': 'while true do end',
  });

  it('is what their scripts say', async () => {
    const objects = [
      thing({ status: { ok: true } }),
      thing({ status: { ok: false, why: 'no disk' } }),
      thing({ status: { failed: true, why: 'x' } }, 'Cel'),
      thing({ status: { ready: 1 } }, 'Cel'),
      thing({}, 'Cel'),
      thing({ status: {} }, 'Broken'),
      thing({}, 'Endless'),
      thing({}, 'Other'),
    ];
    await book.prepare(objects, signal);
    expect(objects.map((object) => book.assess(object))).toEqual([
      { status: 'Healthy' },
      { status: 'Degraded', message: 'no disk' },
      { status: 'Degraded', message: 'x' },
      { status: 'Healthy' },
      { status: 'Progressing', message: 'no clause of the health rule holds yet' },
      { status: 'Unknown', message: expect.stringContaining('the health rule for Broken failed: lua: script:1:') },
      { status: 'Unknown', message: expect.stringContaining('1000 ms') },
      undefined,
    ]);
  });
  it('never says a value of a Secret', async () => {
    const secret = thing({ data: { password: 'aHVudGVyMg==' } }, 'Secret', 'v1');
    await book.prepare([secret], signal);
    expect(book.assess(secret)).toEqual({ status: 'Healthy', message: '++++++++' });
  });
  it('is asked anew for a new version and for new settings', async () => {
    const object = thing({ status: { ok: true } });
    const newer = { ...object, metadata: { ...object.metadata, resourceVersion: '2' }, status: { ok: false } } as KubeObject;
    await book.prepare([object, newer], signal);
    expect([book.assess(object)?.status, book.assess(newer)?.status]).toEqual(['Healthy', 'Degraded']);
    rules = settings({ 'resource.customizations.health.example.org_Thing': 'return { status = "Suspended" }' });
    await book.prepare([object], signal);
    expect(book.assess(object)?.status).toBe('Suspended');
    rules = defaultResourceSettings;
    expect(book.assess(object)).toBeUndefined();
  });
  it('gives way to deletion', async () => {
    rules = settings({ 'resource.customizations.health.example.org_Thing': 'return { status = "Healthy" }' });
    const object = thing({});
    const deleted = { ...object, metadata: { ...object.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } } as KubeObject;
    await book.prepare([deleted], signal);
    expect(book.assess(deleted)?.status).toBe('Progressing');
  });
});

describe('comparison by rules', () => {
  const config = (data: object): KubeObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'n' }, data }) as KubeObject;
  const secret = (data: object): KubeObject => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'n' }, data }) as KubeObject;
  const request = {
    desired: [config({ a: '1', b: '1' }), secret({ password: 'bmV3' })],
    live: new Map([
      ['/ConfigMap/n/c', config({ a: '2', b: '2' })],
      ['/Secret/n/s', secret({ password: 'b2xk' })],
    ]),
    tracked: [],
    manager: 'tiphys',
    schemaFor: schemaNodeOf,
  };
  const compared = async (data: Readonly<Record<string, string>>, ignoreDifferences: readonly { kind: string; jqPathExpressions: readonly string[] }[] = []) =>
    compareWithRules({ ...request, ignoreDifferences }, { settings: settings(data), scripts }, signal);

  it('leaves out what the installation and the application ignore', async () => {
    const rule = { 'resource.customizations.ignoreDifferences.Secret': 'jsonPointers: [/data]' };
    const { comparison, warnings } = await compared(rule, [
      { kind: 'ConfigMap', jqPathExpressions: ['.data | to_entries[] | select(.key == "none") | .value', '.data.a'] },
    ]);
    expect(warnings).toEqual([expect.stringContaining('ConfigMap/n/c: ignoreDifferences: jq expression ".data | to_entries')]);
    expect(comparison.resources.flatMap(({ changes }) => changes.map(({ path }) => path))).toEqual(['.data.b']);
  });
  it('ignores nothing by a rule that fails, and says so without a secret', async () => {
    const bad = [{ kind: '*', jqPathExpressions: ['error(.data | tostring)', 'def f: f; f'] }];
    const { comparison, warnings } = await compared({}, bad);
    expect(comparison.resources.map(({ changes }) => changes.length)).toEqual([2, 1]);
    expect(warnings).toHaveLength(4);
    expect(warnings.join()).not.toMatch(/bmV3|b2xk/);
  }, 20_000);
  it('takes the opinion of the server where it is wanted', async () => {
    const { comparison } = await compareWithRules(
      request,
      {
        settings: defaultResourceSettings,
        scripts,
        dryRun: async (desired) => {
          if (desired.kind === 'Secret') throw new Error('password bmV3 is too short');
          return { object: config({ a: '2', b: '2' }), includeMutationWebhook: false };
        },
      },
      signal,
    );
    expect(comparison.resources.map(({ ref, status }) => [ref.kind, status])).toEqual([
      ['ConfigMap', 'Synced'],
      ['Secret', 'OutOfSync'],
    ]);
  });
});

describe('actions of users', () => {
  const rules = settings({
    'resource.customizations.actions.apps_Deployment':
      'mergeBuiltinActions: true\ndiscovery.lua: |\n  return { double = { disabled = obj.spec.replicas == 0 } }\ndefinitions:\n- name: double\n  action.lua: |\n    obj.spec.replicas = obj.spec.replicas * tonumber(actionParams.by)\n    return obj\n',
  });
  const deps = { scripts, settings: () => rules };
  const deployment = (replicas: number): KubeObject => thing({ spec: { replicas, template: {} } }, 'Deployment', 'apps/v1');
  const now = '2026-01-02T03:04:05Z';

  it('stand beside the built-in ones', async () => {
    expect((await listActions(deployment(1), deps, signal)).map(({ name }) => name)).toEqual(['double', 'restart', 'pause', 'resume', 'scale']);
  });
  it('do what their script says, with parameters', async () => {
    const operations = await prepareAction(deployment(2), { action: 'double', parameters: { by: '3' }, now }, deps, signal);
    expect(operations).toMatchObject([{ kind: 'patch', object: { spec: { replicas: 6, template: {} } } }]);
  });
  it('are not done where they are not possible', async () => {
    await expect(prepareAction(deployment(0), { action: 'double', parameters: {}, now }, deps, signal)).rejects.toThrow('is not possible in its state');
    await expect(prepareAction(deployment(1), { action: 'resume', parameters: {}, now }, deps, signal)).rejects.toThrow('is not possible in its state');
    await expect(prepareAction(deployment(1), { action: 'explode', parameters: {}, now }, deps, signal)).rejects.toThrow('has no action');
  });
});
