// A controller in a process of its own, from the built libraries, that can be told to kill itself at a failpoint.
import { createDeliveryController } from '@tiphys/delivery-controller';
import { createRepositoryStore } from '@tiphys/delivery-git';
import { createBullmqQueue, createInProcessQueue } from '@tiphys/delivery-queue';
import { createRenderer } from '@tiphys/delivery-render';
import { createScriptEngine } from '@tiphys/delivery-scripts';
import { createLogger, supervise, systemClock } from '@tiphys/kernel';
import { createInformerFactory, createKubeClient } from '@tiphys/kube-client';

const { server, ca, token, folder, redis, identity, point, index, namespace, how = 'SIGKILL' } = JSON.parse(process.argv[2] ?? '{}');
const logger = createLogger({ level: process.env.TEST_LOG === undefined ? 'silent' : 'debug' });
const client = createKubeClient({ server, ca, token });
const informers = createInformerFactory({ client, clock: systemClock, logger });
const renderer = createRenderer({ logger });
const scripts = createScriptEngine();
const queue = redis === undefined ? createInProcessQueue({ clock: systemClock }) : createBullmqQueue({ url: redis, logger, lockMs: 2_000 });
const controller = createDeliveryController({
  client,
  informers,
  repositories: createRepositoryStore({ cacheDirectory: `${folder}/cache-${identity}` }),
  renderer,
  scripts,
  queue,
  clock: systemClock,
  logger,
  pollIntervalMs: 60_000,
  identity,
  ...(namespace === undefined ? {} : { namespace }),
  failpoint: (name, at) => {
    if (name === point && (index === undefined || at === index)) process.kill(process.pid, how);
  },
});
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
await controller.install(stop.signal);
await supervise([informers, ...controller.services], { signal: stop.signal, logger });
await queue.close();
await renderer.close();
scripts.close();
await client.close();
