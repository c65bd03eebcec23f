import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLogger, must } from '@tiphys/kernel';
import { createRepositoryStore, type Snapshot } from '@tiphys/delivery-git';
import { createRenderer, type Renderer } from '@tiphys/delivery-render';
import { fieldAt } from '@tiphys/kube-model';
import { createGitRepo, stillRunning, type GitRepo } from '@tiphys/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPluginHost, parsePlugins, type PluginUser } from './index.ts';

const signal = AbortSignal.timeout(60_000);
const environment = { application: 'shop', namespace: 'prod', project: 'team' };
const user: PluginUser | undefined = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined;
const PLUGINS = `
apiVersion: argoproj.io/v1alpha1
kind: ConfigManagementPlugin
metadata: { name: vars }
spec:
  version: v1.0
  init: { command: [sh, -c, 'echo "init ran" > made.txt'] }
  generate:
    command: [sh, -c]
    args:
      - |
        printf 'apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: out}\\ndata:\\n'
        env | sort | sed "s/'/''/g; s/^\\([^=]*\\)=\\(.*\\)/  \\1: '\\2'/"
        echo "  made: '$(cat made.txt)'"
        echo "  user: '$(id -u)'"
        echo "  files: '$(ls | tr '\\n' ' ')'"
  discover: { find: { glob: '**/vars.txt' } }
---
apiVersion: argoproj.io/v1alpha1
kind: ConfigManagementPlugin
metadata: { name: program }
spec:
  preserveFileMode: true
  discover: { find: { command: [sh, -c, 'test -x generate.sh && echo yes'] } }
  generate: { command: [./generate.sh] }
---
apiVersion: argoproj.io/v1alpha1
kind: ConfigManagementPlugin
metadata: { name: slow }
spec:
  generate: { command: [sh, -c, 'sleep 600 & echo $! > /tmp/tiphys-plugin-slow.pid; wait'] }
---
apiVersion: argoproj.io/v1alpha1
kind: ConfigManagementPlugin
metadata: { name: flood }
spec:
  generate: { command: [sh, -c, 'yes'] }
---
apiVersion: argoproj.io/v1alpha1
kind: ConfigManagementPlugin
metadata: { name: broken }
spec:
  generate: { command: [sh, -c, 'echo it does not fit >&2; exit 3'] }
---
apiVersion: argoproj.io/v1alpha1
kind: ConfigManagementPlugin
metadata: { name: missing }
spec:
  generate: { command: [no-such-program] }
`;

let repo: GitRepo;
let renderer: Renderer;
let temporaryFolder: string;
let snapshot: Snapshot;
beforeAll(async () => {
  temporaryFolder = await mkdtemp(path.join(tmpdir(), 'tiphys-plugins-'));
  // Another user must be able to walk through it, as through the system's own.
  await chmod(temporaryFolder, 0o711);
  repo = await createGitRepo();
  const plugins = parsePlugins(PLUGINS, 'plugins.yaml');
  const host = createPluginHost({
    plugins,
    user,
    searchPath: '/usr/bin:/bin',
    temporaryFolder,
    limits: { timeoutMs: 1500, outputBytes: 1_000_000 },
  });
  renderer = createRenderer({ logger: createLogger({ level: 'silent' }), plugins: host });
  const oid = await repo.commit({
    'app/sub/vars.txt': 'x',
    'plain/cm.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: plain}\n',
  });
  snapshot = await (await createRepositoryStore({ cacheDirectory: '/nonexistent' }).open(repo.directory)).snapshot(oid, signal);
});
afterAll(async () => {
  await renderer.close();
  await repo[Symbol.asyncDispose]();
  await rm(temporaryFolder, { recursive: true, force: true });
});

const render = (folder: string, plugin?: object) =>
  renderer.render({ repoURL: repo.directory, path: folder, ...(plugin === undefined ? {} : { plugin }) }, environment, { snapshot }, { signal });

describe('plugins', () => {
  it('run init and generate in the folder, with the build environment and parameters', async () => {
    const { objects, tool } = await render('app', {
      name: 'vars-v1.0',
      env: [{ name: 'COLOR', value: '$ARGOCD_APP_NAME-blue' }],
      parameters: [
        { name: 'my.values', array: ['a', 'b'] },
        { name: 'image', string: 'web:1' },
        { name: 'labels', map: { 'team/x': 'y' } },
      ],
    });
    expect(tool).toBe('Plugin');
    const data = fieldAt(must(objects[0], 'one object').object, 'data') as Readonly<Record<string, string>>;
    expect(data).toMatchObject({
      ARGOCD_APP_NAME: 'shop',
      ARGOCD_APP_NAMESPACE: 'prod',
      ARGOCD_APP_PROJECT_NAME: 'team',
      ARGOCD_APP_REVISION: snapshot.commit,
      ARGOCD_APP_SOURCE_PATH: 'app',
      ARGOCD_ENV_COLOR: 'shop-blue',
      KUBE_VERSION: '1.33.0',
      PARAM_MY_VALUES_0: 'a',
      PARAM_MY_VALUES_1: 'b',
      PARAM_IMAGE: 'web:1',
      PARAM_LABELS_TEAM_X: 'y',
      made: 'init ran',
      files: 'made.txt sub ',
      ...(user === undefined ? {} : { user: '65534' }),
    });
    expect(JSON.parse(data['ARGOCD_APP_PARAMETERS'] ?? '')).toHaveLength(3);
    // Nothing of this process but where programs are found.
    const own = ['HOME', 'LANG', 'OLDPWD', 'PATH', 'PWD', 'SHLVL', 'TMPDIR', '_'];
    expect(Object.keys(data).filter((name) => /^[A-Z_]+$/.test(name) && !/^(ARGOCD|KUBE|PARAM)_/.test(name) && !own.includes(name))).toEqual([]);
  });

  it('are found by what lies in the folder, and leave other folders alone', async () => {
    expect((await render('app')).tool).toBe('Plugin');
    expect((await render('plain')).tool).toBe('Directory');
    expect((await render('app', {})).tool).toBe('Plugin');
  });

  it('leave nothing behind', async () => {
    await render('app');
    expect(await readdir(temporaryFolder)).toEqual([]);
  });

  it('are ended with everything they started when their time is over', async () => {
    await expect(render('plain', { name: 'slow' })).rejects.toMatchObject({ detail: { code: 'timeout' }, message: expect.stringContaining("plugin 'slow'") });
    expect(stillRunning([Number(await readFile('/tmp/tiphys-plugin-slow.pid', 'utf8'))])).toEqual([]);
    await rm('/tmp/tiphys-plugin-slow.pid', { force: true });
  });

  it.each([
    ['flood', 'tooLarge', 'printed more than 1000000 bytes'],
    ['broken', 'toolFailed', "plain: plugin 'broken': sh: ended with 3: it does not fit"],
    ['missing', 'toolFailed', 'no-such-program: ended with 127'],
    ['unlisted', 'toolUnavailable', "plain: plugin 'unlisted' is not listed"],
  ])('%s: a clear error', async (name, code, message) => {
    await expect(render('plain', { name })).rejects.toMatchObject({ detail: { code }, message: expect.stringContaining(message) });
    expect(existsSync(temporaryFolder) && (await readdir(temporaryFolder))).toEqual([]);
  });

  it('names what is wrong with a list of plugins', () => {
    expect(() =>
      parsePlugins('apiVersion: argoproj.io/v1alpha1\nkind: ConfigManagementPlugin\nmetadata: {name: x}\nspec: {generate: {command: []}}\n', 'p.yaml'),
    ).toThrow('p.yaml:1: spec.generate.command: names no program');
    expect(() => parsePlugins('a: [', 'p.yaml')).toThrow('p.yaml:1');
  });
});
