import { defaultProject, type SyncWindow } from '@tiphys/delivery-applications';
import { describe, expect, it } from 'vitest';
import { judgeWindows, windowState, windowsOf } from './sync-windows.ts';

const at = (time: string): number => Date.parse(time);
const nightly = (kind: string, more: Partial<SyncWindow> = {}): SyncWindow => ({ kind, schedule: '0 22 * * *', duration: '1h', applications: ['*'], ...more });
const NIGHT = at('2026-03-10T22:30:00Z');
const DAY = at('2026-03-10T12:00:00Z');

describe('windowState', () => {
  it.each([
    ['2026-03-10T21:59:59Z', false, '2026-03-10T22:00:00Z'],
    ['2026-03-10T22:00:00Z', true, '2026-03-10T23:00:00Z'],
    ['2026-03-10T22:59:59Z', true, '2026-03-10T23:00:00Z'],
    ['2026-03-10T23:00:00Z', false, '2026-03-11T22:00:00Z'],
  ])('at %s a nightly window is open: %s, changes at %s', (now, isActive, change) => {
    expect(windowState(nightly('allow'), at(now))).toMatchObject({ isActive, changesAtMs: at(change) });
  });
  it('follows a time zone through its summer time', () => {
    const berlin = nightly('allow', { timeZone: 'Europe/Berlin' });
    expect(windowState(berlin, at('2026-01-10T21:30:00Z')).isActive).toBe(true);
    expect(windowState(berlin, at('2026-07-10T20:30:00Z')).isActive).toBe(true);
    expect(windowState(berlin, at('2026-07-10T21:30:00Z')).isActive).toBe(false);
  });
  it('lets starts that overlap count as one', () => {
    const window = nightly('allow', { schedule: '*/10 * * * *', duration: '15m' });
    expect(windowState(window, at('2026-03-10T12:14:00Z'))).toMatchObject({ isActive: true, changesAtMs: at('2026-03-10T12:25:00Z') });
  });
  it('names a schedule nobody can read', () => {
    expect(windowState(nightly('allow', { schedule: 'soon' }), DAY).problem).toContain("schedule 'soon'");
    expect(judgeWindows([nightly('allow', { schedule: 'soon', manualSync: true })], DAY)).toMatchObject({ allowsAutomatic: false, allowsManual: false });
  });
});

describe('judgeWindows', () => {
  it.each<[string, readonly SyncWindow[], number, readonly [boolean, boolean, boolean]]>([
    ['no window', [], DAY, [true, true, true]],
    ['a closed denial', [nightly('deny')], DAY, [true, true, true]],
    ['an open denial', [nightly('deny')], NIGHT, [false, false, false]],
    ['an open denial for machines', [nightly('deny', { manualSync: true })], NIGHT, [false, true, false]],
    ['two open denials, one strict', [nightly('deny', { manualSync: true }), nightly('deny')], NIGHT, [false, false, false]],
    ['an open allowance', [nightly('allow')], NIGHT, [true, true, true]],
    ['a closed allowance', [nightly('allow')], DAY, [false, false, false]],
    ['a closed allowance that lets people', [nightly('allow', { manualSync: true })], DAY, [false, true, false]],
    ['one of two allowances open', [nightly('allow'), nightly('allow', { schedule: '0 5 * * *' })], NIGHT, [true, true, true]],
    ['a denial inside an allowance', [nightly('allow'), nightly('deny', { duration: '2h' })], NIGHT, [false, false, false]],
    ['a denial that lets running syncs end', [nightly('deny', { syncOverrun: true })], NIGHT, [false, false, true]],
  ])('%s', (_why, windows, now, [automatic, manual, overrun]) => {
    expect(judgeWindows(windows, now)).toMatchObject({ allowsAutomatic: automatic, allowsManual: manual, allowsOverrun: overrun });
  });
});

describe('windowsOf', () => {
  const application = {
    metadata: { name: 'web-shop' },
    spec: { project: 'p', destination: { namespace: 'shop' } },
  };
  const cluster = { server: 'https://a', name: 'prod' };
  it.each<[Partial<SyncWindow>, boolean]>([
    [{ applications: ['web-*'] }, true],
    [{ applications: ['api-*'] }, false],
    [{ namespaces: ['shop'] }, true],
    [{ clusters: ['prod'] }, true],
    [{ clusters: ['https://a'] }, true],
    [{ clusters: ['https://b'] }, false],
    [{ applications: ['api-*'], namespaces: ['shop'] }, true],
    [{ applications: ['api-*'], namespaces: ['shop'], andOperator: true }, false],
    [{ applications: ['web-*'], namespaces: ['shop'], clusters: ['prod'], andOperator: true }, true],
    [{}, false],
  ])('%j concerns the application: %s', (window, concerns) => {
    const project = { ...defaultProject, spec: { ...defaultProject.spec, syncWindows: [{ kind: 'deny', schedule: '* * * * *', duration: '1m', ...window }] } };
    expect(windowsOf(project, application, cluster)).toHaveLength(concerns ? 1 : 0);
  });
});
