import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBullmqQueue } from '@tiphys/delivery-queue';
import { findProgram } from '@tiphys/testkit';
import { configMap, createRig, eventually, logger, signal, type Rig } from '../e2e/delivery-harness.ts';
import { startTcpFaultProxy, type TcpFaultProxy } from './fault-proxy.ts';
import { createFaultRecorder, type Damage, type FaultProbe } from './fault-recorder.ts';
import { livePlace, makePlace, type Ground, type Place } from './place.ts';
import { unfinished, watchWorld, type World } from './world.ts';

const hasRedis = findProgram({ name: 'redis-server', package: 'redis-server' }, process.env) !== undefined;
const faults = createFaultRecorder('R');

describe.skipIf(!hasRedis)('Redis', () => {
  let rig: Rig;
  let world: World;
  let redis: ChildProcess;
  let port: number;
  let proxy: TcpFaultProxy;
  let ground: Ground;
  let places = 0;
  // What happens at the second write of the next run, once.
  let harm: (() => Promise<void>) | undefined;

  async function startRedis(): Promise<void> {
    redis = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', rig.folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    for await (const chunk of redis.stdout ?? []) if (String(chunk).includes('Ready to accept connections')) return;
  }

  async function endRedis(how: NodeJS.Signals): Promise<void> {
    redis.kill(how);
    if (redis.exitCode === null && redis.signalCode === null) await once(redis, 'exit', { signal: signal() });
  }

  // One command in Redis' inline form; resolves with its answer.
  async function command(text: string): Promise<string> {
    const socket = connect(port, '127.0.0.1');
    socket.write(`${text}\r\n`);
    const [answer] = await once(socket, 'data', { signal: signal() });
    socket.destroy();
    return String(answer);
  }

  beforeAll(async () => {
    rig = await createRig();
    world = await watchWorld(rig.client);
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const address = probe.address();
    port = typeof address === 'object' && address !== null ? address.port : 0;
    probe.close();
    await startRedis();
    proxy = await startTcpFaultProxy(port);
    const { controller } = await rig.start({
      makeQueue: () => createBullmqQueue({ url: `redis://127.0.0.1:${proxy.port}`, logger, lockMs: 2_000 }),
      failpoint: async (point, index) => {
        if (point !== 'sync.afterWrite' || index !== 2) return;
        const deed = harm;
        harm = undefined;
        await deed?.();
      },
    });
    ground = { rig, world, controller: () => controller };
  });
  afterAll(async () => {
    faults.report();
    await world[Symbol.asyncDispose]();
    await rig[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
    await endRedis('SIGKILL');
  });

  // Several applications are under way when the fault comes; all of them come to their commit, and to the next one.
  async function survive(probe: FaultProbe, deed: () => Promise<void>, repair: (others: readonly Place[]) => Promise<void>): Promise<Damage> {
    places += 1;
    const others = await Promise.all([1, 2].map((index) => livePlace(ground, `redis-${places}-${index}`)));
    const place = await makePlace(ground, `redis-${places}`, { 'three.yaml': configMap('three', 'first'), 'four.yaml': configMap('four', 'first') });
    const struck = new Promise<void>((resolve, reject) => {
      harm = () => deed().then(resolve, reject);
    });
    await place.create();
    await struck;
    const second = { 'one.yaml': configMap('one', 'second') };
    await Promise.all(others.map((other) => other.push(second)));
    await repair(others);
    probe.ended();
    await place.live('four', 'first');
    await Promise.all(others.map((other) => other.live('one', 'second')));
    await place.push(second);
    await place.live('one', 'second');
    probe.recovered();
    return total([place, ...others]);
  }

  async function total(all: readonly Place[]): Promise<Damage> {
    let sum: Damage = { wrongDeletes: 0, lostIntents: 0 };
    for (const place of all) {
      await place.synced();
      for (const { status } of await place.runs()) expect(status?.phase).toBe('Succeeded');
      const { wrongDeletes, lostIntents } = await place.damage();
      sum = { wrongDeletes: sum.wrongDeletes + wrongDeletes, lostIntents: sum.lostIntents + lostIntents };
    }
    return sum;
  }

  const fault = (id: string, injected: string, body: (probe: FaultProbe) => Promise<Damage>) =>
    it(`${id} ${injected}`, () => faults.run(id, injected, body), 150_000);

  fault('R01', 'is killed in the middle of syncs and comes back empty', (probe) => survive(probe, () => endRedis('SIGKILL'), startRedis));

  fault('R01', 'is stopped in good order and comes back', (probe) => survive(probe, () => endRedis('SIGTERM'), startRedis));

  fault('R02', 'is emptied in the middle of syncs', (probe) =>
    survive(
      probe,
      async () => expect(await command('FLUSHALL')).toMatch(/^\+OK/),
      () => Promise.resolve(),
    ),
  );

  fault('R03', 'is behind connections that are half open: syncs are late, none fails', (probe) =>
    survive(
      probe,
      () => Promise.resolve(proxy.setHalfOpen(true)),
      async (others) => {
        // Looking at Git and comparing go on: the runs are there, and wait.
        for (const other of others)
          await eventually(
            'a run waits',
            () => other.runs(),
            (runs) => unfinished(runs) === 1,
          );
        proxy.setHalfOpen(false);
      },
    ),
  );

  fault('R03', 'loses every connection', (probe) =>
    survive(
      probe,
      () => Promise.resolve(proxy.cutAll()),
      () => Promise.resolve(),
    ),
  );
});
