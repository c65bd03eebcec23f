import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, startTiphys, type TiphysProcess } from '@tiphys/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKubectl, findKubectls } from './kubectl.ts';

// Unmodified kubectl against the whole plane, with pods that are real processes.
const home = mkdtempSync(join(tmpdir(), 'tiphys-kubectl-'));
const kubeconfig = join(home, 'config');
let plane: TiphysProcess;

beforeAll(async () => {
  const args = ['plane', '--data-dir', join(home, 'plane'), '--runtime', 'process', '--https-port', '0', '--kubeconfig-out', kubeconfig];
  plane = await startTiphys(args, { home });
});
afterAll(async () => {
  expect(await plane.stop()).toEqual({ code: 0, killedBy: null });
  rmSync(home, { recursive: true, force: true, maxRetries: 5 });
});

// Says its release and waits for its end; `wait` lets the shell hear SIGTERM at once.
const manifest = (release: string, replicas = 2): string => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, annotations: {kubernetes.io/change-cause: ${release}}}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 2
      containers:
      - name: main
        image: local/none
        command: [sh, -c, 'trap "exit 0" TERM; echo release $RELEASE; sleep 1000 & wait']
        env: [{name: RELEASE, value: ${release}}]
`;

for (const { version, isFound } of findKubectls())
  describe.skipIf(!isFound)(`kubectl ${version}`, () => {
    const k = createKubectl(version, { home, kubeconfig });
    const space = `v${version.replace('.', '-')}`;

    it('applies, rolls out, reads, runs commands, scales, undoes and deletes', async () => {
      expect((await k(`create namespace ${space}`)).err).toBe('');
      const watch = k.follow(`get pods -n ${space} -w --no-headers`);
      expect((await k(`apply -n ${space} -f -`, manifest('one'))).out).toBe('deployment.apps/web created\n');
      expect(await k(`rollout status deployment/web -n ${space} --timeout=15s`)).toMatchObject({
        code: 0,
        out: expect.stringContaining('successfully rolled out'),
      });
      expect((await k(`get deployment web -n ${space}`)).out).toMatch(/^NAME +READY .*\nweb +2\/2 +2 +2 /);
      expect((await k(`get pods -n ${space} -o wide`)).out).toMatch(/(web-\w+-\w+ +1\/1 +Running +0 .* local .*\n){2}/);
      const [pod = ''] = (await k(['get', 'pods', '-n', space, '-l', 'app=web', '-o', 'jsonpath={.items[*].metadata.name}'])).out.split(' ');

      const described = (await k(`describe pod ${pod} -n ${space}`)).out;
      expect(described).toMatch(/^Status: +Running$/m);
      for (const reason of ['Scheduled', 'Started']) expect(described).toMatch(new RegExp(`^ +Normal +${reason} `, 'm'));
      expect((await k(`logs ${pod} -n ${space}`)).out).toBe('release one\n');
      expect((await k(`logs -l app=web -n ${space} --prefix --tail 1`)).out.match(/release one/g)).toHaveLength(2);
      expect(await k(['exec', pod, '-n', space, '--', 'sh', '-c', 'echo $RELEASE; echo oops >&2; exit 7'])).toMatchObject({
        code: 7,
        out: 'one\n',
        err: expect.stringContaining('oops'),
      });
      expect((await k(`exec -i ${pod} -n ${space} -- tr a-z A-Z`, 'typed here')).out).toBe('TYPED HERE');

      expect((await k(`scale deployment/web --replicas 3 -n ${space}`)).out).toContain('scaled');
      expect((await k(`rollout status deployment/web -n ${space} --timeout=15s`)).code).toBe(0);
      expect((await k(`get deployment web -n ${space} -o jsonpath={.status.readyReplicas}`)).out).toBe('3');

      expect((await k(`apply --server-side --force-conflicts -n ${space} -f -`, manifest('two', 1))).out).toBe('deployment.apps/web serverside-applied\n');
      expect((await k(`rollout status deployment/web -n ${space} --timeout=15s`)).code).toBe(0);
      expect((await k(`logs deployment/web -n ${space}`)).out).toContain('release two');
      expect((await k(`rollout history deployment/web -n ${space}`)).out).toMatch(/1 +one\n2 +two\n/);
      expect((await k(`rollout undo deployment/web -n ${space}`)).out).toContain('rolled back');
      expect((await k(`rollout status deployment/web -n ${space} --timeout=15s`)).code).toBe(0);
      await eventually(
        'only the first release runs',
        async () => (await k(['get', 'pods', '-n', space, '-o', 'jsonpath={.items[*].spec.containers[0].env[0].value}'])).out,
        (releases) => releases === 'one',
      );

      expect((await k(`delete deployment web -n ${space} --timeout=15s`)).out).toContain('deleted');
      expect((await k(`wait --for=delete pod -l app=web -n ${space} --timeout=15s`)).code).toBe(0);
      await eventually(
        'the watch has seen a pod live and end',
        () => watch.text(),
        (text) => ['Pending', 'Running', 'Terminating'].every((word) => new RegExp(`^${pod} .*${word}`, 'm').test(text)),
      );
      watch.stop();
      expect((await k(`delete namespace ${space} --timeout=15s`)).code).toBe(0);
    }, 60_000);
  });
