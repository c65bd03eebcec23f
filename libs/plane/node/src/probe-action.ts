import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { messageOf, withTimeout } from '@tiphys/kernel';
import type { corev1 } from '@tiphys/kube-model';
import type { ContainerTarget, PodRuntime, Sandbox } from '@tiphys/plane-runtime';

/** What a probe or hook asks of a container; the shape probes and lifecycle handlers share. */
export type Action = Pick<corev1.Probe, 'exec' | 'httpGet' | 'tcpSocket' | 'grpc'> & Pick<corev1.LifecycleHandler, 'sleep'>;

/** Where an action is done. */
export interface ActionPlace {
  readonly runtime: PodRuntime;
  readonly target: ContainerTarget;
  readonly container: corev1.Container;
  readonly sandbox: Sandbox;
}

/** Whether it went well; the message is the one the kubelet would put into its event. */
export interface ActionResult {
  readonly ok: boolean;
  readonly message: string;
}

const MAX_OUTPUT_BYTES = 10 * 1024;

/** Does the action within the time; resolves with the failure rather than throwing it. Throws only when `signal` aborts. */
export async function doAction(action: Action, place: ActionPlace, timeoutMs: number, signal: AbortSignal): Promise<ActionResult> {
  try {
    return await withTimeout('probe', timeoutMs, signal, (limited) => {
      if (action.exec !== undefined) return execute(action.exec, place, limited);
      if (action.httpGet !== undefined) return httpGet(action.httpGet, place, limited);
      if (action.tcpSocket !== undefined) return tcpConnect(action.tcpSocket.host ?? place.sandbox.podIP, portOf(action.tcpSocket.port, place), limited);
      if (action.grpc !== undefined) return Promise.resolve({ ok: false, message: 'grpc probes are not offered by this node; use httpGet, tcpSocket or exec' });
      return Promise.resolve({ ok: true, message: '' });
    });
  } catch (error) {
    signal.throwIfAborted();
    return { ok: false, message: messageOf(error) };
  }
}

/** The port of the host behind a number or a port's name. Throws when there is no port of that name. */
function portOf(port: number | string, place: Pick<ActionPlace, 'container' | 'sandbox'>): number {
  const number = typeof port === 'number' ? port : (place.container.ports?.find(({ name }) => name === port)?.containerPort ?? Number(port));
  if (!Number.isInteger(number)) throw new Error(`port ${JSON.stringify(port)} is not a port of container ${place.container.name}`);
  return place.sandbox.hostPorts[number] ?? number;
}

async function execute(exec: corev1.ExecAction, { runtime, target }: ActionPlace, signal: AbortSignal): Promise<ActionResult> {
  const output: Uint8Array[] = [];
  let bytes = 0;
  const keep = (chunk: Uint8Array): void => {
    if (bytes < MAX_OUTPUT_BYTES) output.push(chunk);
    bytes += chunk.length;
  };
  const { exitCode } = await runtime.exec(target, { command: exec.command ?? [], tty: false }, { stdout: keep, stderr: keep }, signal);
  signal.throwIfAborted();
  return { ok: exitCode === 0, message: Buffer.concat(output).toString('utf8').slice(0, MAX_OUTPUT_BYTES).trim() };
}

function httpGet(action: corev1.HTTPGetAction, place: ActionPlace, signal: AbortSignal): Promise<ActionResult> {
  const host = action.host ?? place.sandbox.podIP;
  const port = portOf(action.port, place);
  const isTls = action.scheme === 'HTTPS';
  const path = action.path === undefined || action.path === '' ? '/' : action.path.startsWith('/') ? action.path : `/${action.path}`;
  const headers: Record<string, string> = { 'User-Agent': 'kube-probe/1.33', Accept: '*/*', Connection: 'close' };
  for (const { name, value } of action.httpHeaders ?? []) headers[name] = value;
  return new Promise((resolve, reject) => {
    const send = isTls ? httpsRequest : httpRequest;
    // As the kubelet does, a probe does not check the certificate.
    const request = send({ host, port, path, headers, signal, agent: false, ...(isTls ? { rejectUnauthorized: false } : {}) }, (response) => {
      const status = response.statusCode ?? 0;
      response.resume();
      response.on('error', () => undefined); // The status has arrived; the body does not matter.
      resolve({ ok: status >= 200 && status < 400, message: `HTTP probe failed with statuscode: ${status}` });
    });
    request.on('error', (error) => reject(signal.aborted ? error : new Error(`Get "${isTls ? 'https' : 'http'}://${host}:${port}${path}": ${error.message}`)));
    request.end();
  });
}

function tcpConnect(host: string, port: number, signal: AbortSignal): Promise<ActionResult> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, signal });
    socket.once('connect', () => {
      socket.destroy();
      resolve({ ok: true, message: '' });
    });
    socket.once('error', (error) => reject(signal.aborted ? error : new Error(`dial tcp ${host}:${port}: ${error.message}`)));
  });
}
