import { describe, expect, it } from 'vitest';
import { defaultResourceSettings, parseResourceSettings, rulesForKind, settingsOf } from './index.ts';

describe('parseResourceSettings', () => {
  it('reads each aspect of a kind from its own key', () => {
    const { settings, problems } = parseResourceSettings({
      'resource.customizations.health.cert-manager.io_Certificate': 'return {}',
      'resource.customizations.useOpenLibs.cert-manager.io_Certificate': 'true',
      'resource.customizations.healthCEL.example.org_Thing': '- {status: Healthy, when: "self.status.ok", messageExpression: "self.status.why"}',
      'resource.customizations.actions.apps_Deployment':
        'mergeBuiltinActions: true\ndiscovery.lua: return {}\ndefinitions:\n- {name: go, action.lua: return obj}\n',
      'resource.customizations.ignoreDifferences.all': 'managedFieldsManagers: [kube-controller-manager]\njsonPointers: [/spec/replicas]',
      'resource.customizations.ignoreDifferences.ConfigMap': 'jqPathExpressions: [.data.x]',
      'resource.customizations.ignoreResourceUpdates.argoproj.io_Application': 'jsonPointers: [/status]',
      'resource.customizations.knownTypeFields.apps_Fancy': '- {field: spec.template.spec, type: core/v1/PodSpec}',
      'resource.compareoptions': 'ignoreAggregatedRoles: true\nignoreResourceStatusField: crd\n',
      'resource.sensitive.mask.annotations': 'openshift.io/token-secret.value, api-key',
      'application.instanceLabelKey': 'unrelated',
    });
    expect(problems).toEqual([]);
    expect(settings).toEqual({
      health: [
        {
          group: 'example.org',
          kind: 'Thing',
          language: 'cel',
          clauses: [{ status: 'Healthy', when: 'self.status.ok', messageExpression: 'self.status.why' }],
        },
        { group: 'cert-manager.io', kind: 'Certificate', language: 'lua', script: 'return {}', useOpenLibs: true },
      ],
      actions: [
        {
          group: 'apps',
          kind: 'Deployment',
          discovery: 'return {}',
          definitions: [{ name: 'go', script: 'return obj' }],
          mergeBuiltin: true,
          useOpenLibs: false,
        },
      ],
      ignoreDifferences: [
        { group: '*', kind: '*', jsonPointers: ['/spec/replicas'], jqPathExpressions: [], managedFieldsManagers: ['kube-controller-manager'] },
        { group: '', kind: 'ConfigMap', jsonPointers: [], jqPathExpressions: ['.data.x'], managedFieldsManagers: [] },
      ],
      ignoreResourceUpdates: [{ group: 'argoproj.io', kind: 'Application', jsonPointers: ['/status'], jqPathExpressions: [], managedFieldsManagers: [] }],
      knownTypeFields: [{ group: 'apps', kind: 'Fancy', field: 'spec.template.spec', type: 'core/v1/PodSpec' }],
      compareOptions: { ignoreAggregatedRoles: true, ignoreResourceStatusField: 'crd', ignoreDifferencesOnResourceUpdates: true },
      sensitiveAnnotations: ['openshift.io/token-secret.value', 'api-key'],
    });
  });
  it('reads the one key of older installations, with globs in it', () => {
    const { settings, problems } = parseResourceSettings({
      'resource.customizations':
        '"*.example.org/*":\n  health.lua: return {}\n  health.lua.useOpenLibs: true\nPod:\n  ignoreDifferences: |\n    jsonPointers: [/spec]\n',
    });
    expect(problems).toEqual([]);
    expect(settings.health).toEqual([{ group: '*.example.org', kind: '*', language: 'lua', script: 'return {}', useOpenLibs: true }]);
    expect(settings.ignoreDifferences).toMatchObject([{ group: '', kind: 'Pod', jsonPointers: ['/spec'] }]);
  });
  it('names the keys that it cannot read, and reads the others', () => {
    const { settings, problems } = parseResourceSettings({
      'resource.customizations.ignoreDifferences.apps_Deployment': 'jsonPointers: {a: 1}',
      'resource.customizations.healthCEL.x_Y': '- {status: Well, when: "true"}',
      'resource.customizations.knownTypeFields.x_Y': 'a: [',
      'resource.compareoptions': 'ignoreAggregatedRoles: true',
    });
    expect(problems).toHaveLength(3);
    expect(problems.join('\n')).toMatch(/ignoreDifferences\.apps_Deployment: jsonPointers/);
    expect(problems.join('\n')).toMatch(/healthCEL\.x_Y: 0\.status/);
    expect(problems.join('\n')).toMatch(/knownTypeFields\.x_Y/);
    expect(settings.compareOptions.ignoreAggregatedRoles).toBe(true);
  });
  it.each([
    ['off', 'none'],
    ['"false"', 'none'],
    ['none', 'none'],
    ['crd', 'crd'],
    ['all', 'all'],
    ['true', 'all'],
  ])('takes %s for the status field as %s', (text, expected) => {
    expect(parseResourceSettings({ 'resource.compareoptions': `ignoreResourceStatusField: ${text}` }).settings.compareOptions.ignoreResourceStatusField).toBe(
      expected,
    );
  });
  it('has defaults where there is no ConfigMap', () => {
    expect(settingsOf(undefined)).toEqual({ settings: defaultResourceSettings, problems: [] });
    expect(settingsOf({ data: 'text' })).toEqual({ settings: defaultResourceSettings, problems: [] });
  });
});

describe('rulesForKind', () => {
  it('takes exact rules first', () => {
    const rules = [
      { group: '*', kind: '*' },
      { group: 'apps', kind: 'Deployment' },
      { group: '*.example.org', kind: 'X' },
    ];
    expect(rulesForKind(rules, 'apps', 'Deployment')).toEqual([rules[1], rules[0]]);
    expect(rulesForKind(rules, 'a.example.org', 'X')).toEqual([rules[0], rules[2]]);
  });
});
