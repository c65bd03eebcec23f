import { applicationType, type Application } from '@tiphys/delivery-applications';
import { messageOf } from '@tiphys/kernel';
import { eventually, signal } from '../e2e/delivery-harness.ts';
import { manifest, type Attack } from './tenants-attack.ts';
import { HOME, type Stage } from './tenants-stage.ts';

const NOT_PERMITTED = /is not permitted in project/;
const OK = { 'a.yaml': manifest('ConfigMap', 'Bad_Name') };
const theirs = ({ victims }: Stage): object => ({ repoURL: victims.directory, path: 'shop', targetRevision: 'main' });
const patch = ({ steps }: Stage, name: string, body: object): Promise<Application> =>
  steps.rig.client.patch<Application>(applicationType, { name, namespace: HOME }, body, { type: 'merge', signal: signal() });
const answer = (promise: Promise<unknown>): Promise<string> => promise.then((value) => JSON.stringify(value), messageOf);

/** Sources of others that do not stand in the spec of the application. */
export const detourAttacks: readonly Attack[] = [
  {
    name: 'the source of an operation',
    files: OK,
    says: NOT_PERMITTED,
    act: async (stage, name) => {
      await patch(stage, name, { operation: { sync: { source: theirs(stage) } } });
      const [run] = await eventually(
        'the run ends',
        () => stage.steps.running.controller.runs(`${HOME}_${name}`),
        ([first]) => first?.status?.finishedAt !== undefined,
      );
      return run?.status?.message;
    },
  },
  {
    name: 'a history that was never made, to be rolled back to',
    files: OK,
    says: NOT_PERMITTED,
    act: async (stage, name) => {
      const revision = await stage.victims.git('rev-parse', 'HEAD');
      await patch(stage, name, { status: { history: [{ id: 1, revision, source: theirs(stage), deployedAt: '2026-01-01T00:00:00Z' }] } });
      const instance = `${HOME}_${name}`;
      await eventually(
        'it is known',
        () => stage.steps.running.controller.applications.get(instance),
        (found) => JSON.stringify(found).includes('deployedAt'),
      );
      return answer(stage.steps.running.controller.rollback(instance, { actor: 'mallory', historyId: 1 }, signal()).then(stage.steps.ended));
    },
  },
  {
    name: "a pin on another team's run",
    files: OK,
    says: NOT_PERMITTED,
    spec: { syncPolicy: { automated: {} } },
    act: async (stage, name) => {
      const [run] = stage.steps.running.controller.runs('victim');
      const pin = { revision: run?.spec.revisions.join() ?? '', heldRevision: '', reason: 'x', until: '2099-01-01T00:00:00Z', run: run?.metadata.name };
      await patch(stage, name, { metadata: { annotations: { 'tiphys.dev/pin': JSON.stringify(pin) } } });
      const app = await eventually(
        'it says so',
        () => stage.steps.app(name, HOME),
        ({ status }) => NOT_PERMITTED.test(JSON.stringify(status?.conditions)),
      );
      return JSON.stringify(app.status?.conditions);
    },
  },
  {
    name: 'the words of a commit of a repository of others',
    spec: (stage) => ({ source: theirs(stage) }),
    says: NOT_PERMITTED,
    act: async (stage, name) =>
      answer(stage.steps.running.controller.revisionMetadata(`${HOME}_${name}`, await stage.victims.git('rev-parse', 'HEAD'), signal())),
  },
];
