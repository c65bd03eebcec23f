/// <reference lib="dom" />
// Functions given to `evaluate` run in the page.
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromium, type BrowserContext, type Locator, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeClient } from '@tiphys/kube-client';
import { createGitRepo, eventually, findProgram, type GitRepo } from '@tiphys/testkit';
import { application, CONFIG_MAPS, configMap, getConfigMap, signal } from './delivery-harness.ts';
import { clientOf, createHome, type Home } from './process-harness.ts';

const CHROMIUM = findProgram({ name: 'chromium', package: 'chromium' }, process.env);
const SHOTS = path.join(tmpdir(), 'shots');
const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

let home: Home;
let repo: GitRepo;
let client: KubeClient;
let browser: BrowserContext;
let page: Page;
const complaints: string[] = [];

describe.skipIf(CHROMIUM === undefined)('the console', () => {
  beforeAll(async () => {
    home = await createHome();
    const up = await home.start(['up', '--demo', '--port', '0', '--https-port', '0', '--poll-interval', '500ms']);
    client = await clientOf(up.ready['kubeconfig'] ?? '');
    repo = await createGitRepo(path.join(home.folder, 'notes'));
    await repo.commit({ 'map.yaml': configMap('notes', 'first') });
    const syncPolicy = { automated: {}, syncOptions: ['CreateNamespace=true'] };
    await home.call(
      'POST',
      '/api/v1/applications',
      application('notes', { source: { repoURL: repo.directory, path: '.', targetRevision: 'main' }, syncPolicy }),
    );
    await home.settled('notes');
    await home.settled('notes', await repo.commit({ 'map.yaml': configMap('notes', 'second') }));
    await up.event('demo-healthy');
    await mkdir(SHOTS, { recursive: true });
    browser = await chromium.launchPersistentContext(path.join(home.folder, 'chromium'), {
      executablePath: CHROMIUM ?? '',
      headless: true,
      args: QUIET,
      viewport: { width: 1280, height: 800 },
    });
    page = browser.pages()[0] ?? (await browser.newPage());
    page.setDefaultTimeout(8_000);
    page.on('console', (message) => (message.type() === 'error' ? complaints.push(`${message.text()} ${message.location().url}`) : undefined));
    page.on('pageerror', (error) => complaints.push(String(error)));
  });
  afterAll(async () => {
    await browser?.close();
    await client?.close();
    await home?.[Symbol.asyncDispose]();
  });

  const row = (name: string): Locator => page.getByTestId(`application-${name}`);
  const tab = (name: string): Locator => page.getByRole('tab', { name });
  const open = async (name: string, search = ''): Promise<void> => {
    await page.goto(`${home.url}/applications/${name}${search}`);
    await page.getByRole('heading', { name, level: 1 }).waitFor();
  };
  const valueOf = async () => (await getConfigMap(client, 'notes'))?.data?.['value'];
  const isSelected = (locator: Locator) =>
    eventually(
      'it is selected',
      () => locator.getAttribute('aria-selected'),
      (value) => value === 'true',
    );
  // Both themes of what is shown, for people to look at; nothing is compared.
  const shoot = async (name: string): Promise<void> => {
    const chosen = await page.evaluate(() => document.documentElement.dataset['theme']);
    for (const theme of ['light', 'dark']) {
      await page.evaluate((value) => (document.documentElement.dataset['theme'] = value), theme);
      await page.screenshot({ path: path.join(SHOTS, `${name}-${theme}.png`) });
    }
    await page.evaluate(
      (value) => (value === undefined ? delete document.documentElement.dataset['theme'] : (document.documentElement.dataset['theme'] = value)),
      chosen,
    );
  };
  // Buttons and fields a screen reader could not name.
  const unnamed = (): Promise<readonly string[]> =>
    page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>('button, input, select, a')]
        .filter((element) => {
          const labels = 'labels' in element ? [...((element as HTMLInputElement).labels ?? [])] : [];
          return [element.getAttribute('aria-label'), element.textContent, element.title, ...labels.map((label) => label.textContent)].every(
            (text) => (text ?? '').trim() === '',
          );
        })
        .map((element) => element.outerHTML),
    );

  it('asks for the token, lets the printed link in and keeps the token out of the address', async () => {
    await page.goto(home.url);
    await page.getByLabel('Token').waitFor();
    expect(await unnamed()).toEqual([]);
    await page.goto('about:blank');
    await page.goto(`${home.url}/#token=${home.token}`);
    await row('demo').waitFor();
    expect(page.url()).not.toContain(home.token);
    await page.reload();
    await row('demo').waitFor();
  });

  it('lists applications with their state', async () => {
    await eventually(
      'the row says what is true',
      () => row('demo').innerText(),
      (text) => text.includes('Synced') && text.includes('Healthy') && text.includes('Succeeded'),
    );
    await page.getByRole('status').getByText('live', { exact: true }).waitFor();
    await page.getByLabel('Search applications').fill('notes');
    await row('demo').waitFor({ state: 'detached' });
    await page.getByLabel('Search applications').fill('');
    await row('demo').waitFor();
    expect(await unnamed()).toEqual([]);
    await shoot('list');
  });

  it('shows the tree down to the pods', async () => {
    await row('demo').click();
    await page.getByTestId('node-Deployment-web').waitFor();
    const nodes = await eventually(
      'both pods are in the tree',
      () =>
        page
          .locator('[role=treegrid] tr')
          .evaluateAll((rows) => rows.map((element) => `${element.getAttribute('aria-level')} ${element.getAttribute('data-testid')}`)),
      (all) => all.filter((text) => text.startsWith('3 node-Pod-web-')).length === 2,
    );
    const deployment = nodes.indexOf('1 node-Deployment-web');
    expect(nodes.slice(deployment, deployment + 4)).toEqual([
      nodes[deployment],
      expect.stringMatching(/^2 node-ReplicaSet-web-/),
      expect.stringMatching(/^3 node-Pod-web-/),
      expect.stringMatching(/^3 node-Pod-web-/),
    ]);
    expect(await unnamed()).toEqual([]);
    await shoot('application');
  });

  it('shows lines of the logs', async () => {
    await open('demo', '?tab=logs');
    await page.getByRole('log').getByText('listening').first().waitFor();
  });

  it('shows drift by field, live, Git, cause and owner, as it happens', async () => {
    await open('notes', '?tab=diff');
    await page.getByText('Nothing differs from Git.').waitFor();
    await client.patch(
      CONFIG_MAPS,
      { name: 'notes', namespace: 'shop' },
      { data: { value: 'by hand' } },
      { type: 'merge', fieldManager: 'kubectl-edit', signal: signal() },
    );
    const cells = page.getByTestId('diff-ConfigMap-notes').locator('tbody tr').first().locator('td');
    await cells.first().waitFor();
    expect(await cells.allInnerTexts()).toEqual(['.data.value', 'by hand', 'second', 'edited manually', expect.stringContaining('kubectl-edit')]);
    await shoot('diff');
  });

  it('shows the plan and syncs exactly that', async () => {
    await page.getByRole('button', { name: 'Sync…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Sync notes' });
    expect(await dialog.getByTestId('plan-summary').innerText()).toContain('1 configure');
    await dialog.getByText('by hand').waitFor();
    expect(await unnamed()).toEqual([]);
    await shoot('sync');
    await dialog.getByRole('button', { name: 'Sync exactly this' }).click();
    await dialog.waitFor({ state: 'detached' });
    await eventually('it is synced', valueOf, (value) => value === 'second');
    await page.getByText('Nothing differs from Git.').waitFor();
  });

  it('rolls back from the history and says that automation waits', async () => {
    await tab('History').click();
    await page.getByTestId('deployment-0').getByRole('button', { name: 'Roll back to this' }).click();
    const dialog = page.getByRole('dialog', { name: 'Roll back notes' });
    await dialog.getByLabel('Reason').fill('second is bad');
    await dialog.getByRole('button', { name: 'Roll back', exact: true }).click();
    await page.getByTestId('pinned').waitFor();
    await eventually('it is rolled back', valueOf, (value) => value === 'first');
    await page.getByTestId('deployment-3').waitFor();
    await shoot('history');
    await home.call('GET', '/api/v1/applications/notes?refresh=hard');
    expect(await valueOf()).toBe('first');
    await page.getByText('Reason: second is bad').waitFor();
  });

  it('follows a commit without a reload', async () => {
    await page.goto(home.url);
    await row('notes').waitFor();
    await page.evaluate(() => (document.body.dataset['same'] = 'page'));
    const commit = await repo.commit({ 'map.yaml': configMap('notes', 'third') });
    await row('notes').getByText(commit.slice(0, 8)).waitFor();
    await eventually(
      'the row is settled',
      () => row('notes').innerText(),
      (text) => /\bSynced\b/.test(text) && text.includes('Healthy'),
    );
    expect(await valueOf()).toBe('third');
    expect(await page.evaluate(() => document.body.dataset['same'])).toBe('page');
    await row('notes').click();
    await page.getByRole('heading', { name: 'notes', level: 1 }).waitFor();
    expect(await page.getByTestId('pinned').count()).toBe(0);
  });

  it('remembers the theme that was chosen', async () => {
    const theme = (): Promise<string | undefined> => page.evaluate(() => document.documentElement.dataset['theme']);
    const background = (): Promise<string> => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const before = await background();
    await page.getByRole('button', { name: 'Dark or light' }).click();
    const chosen = await theme();
    expect(await background()).not.toBe(before);
    await page.reload();
    await page.getByRole('heading', { name: 'notes', level: 1 }).waitFor();
    expect(await theme()).toBe(chosen);
    await page.keyboard.press('D');
    expect(await theme()).not.toBe(chosen);
  });

  it('can be used by keys alone', async () => {
    await page.goto(home.url);
    const rows = page.locator('tbody tr');
    await rows.nth(1).waitFor();
    await isSelected(rows.nth(0));
    await page.keyboard.press('j');
    await isSelected(rows.nth(1));
    await page.keyboard.press('k');
    await isSelected(rows.nth(0));
    await page.keyboard.press('/');
    await page.keyboard.type('demo');
    await row('notes').waitFor({ state: 'detached' });
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'demo', level: 1 }).waitFor();
    for (const [key, name] of [
      ['d', 'Diff'],
      ['h', 'History'],
      ['l', 'Logs'],
      ['e', 'Events'],
      ['[', 'Logs'],
      [']', 'Events'],
      ['t', 'Tree'],
    ] as const) {
      await page.keyboard.press(key);
      await isSelected(tab(name));
    }
    for (const [key, name] of [
      ['s', 'Sync demo'],
      ['?', 'Keys'],
    ] as const) {
      await page.keyboard.press(key);
      await page.getByRole('dialog', { name }).waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('dialog', { name }).waitFor({ state: 'detached' });
    }
    await page.keyboard.press('Escape');
    await row('demo').waitFor();
    expect(new URL(page.url()).pathname).toBe('/');
  });

  it('had nothing to complain about', () => {
    expect(complaints).toEqual([]);
  });
});
