import { describe, expect, it } from 'vitest';
import { defaultSettings, globalProjectsOf, isExcluded, parseSettings } from './settings.ts';

const server = 'https://a';

describe('parseSettings', () => {
  it('has defaults, also without a ConfigMap', () => {
    expect(parseSettings(undefined)).toEqual(defaultSettings);
    expect(parseSettings({ data: { url: 'https://x' } })).toEqual(defaultSettings);
  });
  it('leaves alone what is excluded, and everything but what is included', () => {
    const settings = parseSettings({
      data: {
        'resource.exclusions': '- apiGroups: ["cilium.io"]\n  kinds: [Cilium*]\n  clusters: ["https://a*"]\n- kinds: [Secret]\n',
        'resource.inclusions': '- apiGroups: ["", apps]\n',
      },
    });
    const excluded = (group: string, kind: string, at = server): boolean => isExcluded(settings, group, kind, at);
    expect([excluded('', 'Event'), excluded('cilium.io', 'CiliumIdentity'), excluded('', 'Secret'), excluded('batch', 'Job')]).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect([excluded('apps', 'Deployment'), excluded('', 'ConfigMap')]).toEqual([false, false]);
    expect(isExcluded(defaultSettings, 'batch', 'Job', server)).toBe(false);
  });
  it('names what it cannot read and goes on with the default', () => {
    const settings = parseSettings({ data: { 'resource.exclusions': 'kinds: x', globalProjects: '[{projectName: 1}]', 'sync.runHistoryLimit': 'many' } });
    expect(settings.problems.map((problem) => problem.split(' ')[1])).toEqual(['resource.exclusions', 'globalProjects', 'sync.runHistoryLimit']);
    expect({ ...settings, problems: [] }).toEqual(defaultSettings);
  });
  it('takes numbers and switches', () => {
    expect(
      parseSettings({
        data: {
          'sync.pruneConfirm.percent': '100',
          'sync.runHistoryLimit': '5',
          'application.sync.impersonation.enabled': 'true',
        },
      }),
    ).toMatchObject({ pruneBudget: undefined, runHistoryLimit: 5, impersonates: true });
  });
  it('finds the global projects of a project by its labels', () => {
    const settings = parseSettings({
      data: { globalProjects: '- projectName: global\n  labelSelector:\n    matchExpressions: [{key: tier, operator: In, values: [prod]}]\n' },
    });
    const project = (name: string, tier: string) => ({ metadata: { name, labels: { tier } } });
    expect(globalProjectsOf(settings, project('team', 'prod'))).toEqual(['global']);
    expect(globalProjectsOf(settings, project('team', 'dev'))).toEqual([]);
    expect(globalProjectsOf(settings, project('global', 'prod'))).toEqual([]);
  });
});
