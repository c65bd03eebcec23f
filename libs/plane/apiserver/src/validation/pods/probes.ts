import type { corev1 } from '@tiphys/kube-model';
import { problem, type FieldProblem } from '../../failures.ts';
import { format, nonNegative, notEmpty, oneOf, port, portNumber } from '../checks.ts';
import { headerName, portName } from '../formats.ts';
import { table } from '../rows.ts';

const HANDLERS = ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const;

const handler = table([
  ['exec.command', notEmpty(), 'required'],
  ['httpGet.path', notEmpty(), 'required'],
  ['httpGet.port', port(portName), 'required'],
  ['httpGet.scheme', oneOf('HTTP', 'HTTPS')],
  ['httpGet.httpHeaders[].name', format(headerName, 'refused'), 'required'],
  ['tcpSocket.port', port(portName), 'required'],
  ['grpc.port', portNumber, 'required'],
]);

const timing = table([
  ['initialDelaySeconds', nonNegative],
  ['timeoutSeconds', nonNegative],
  ['periodSeconds', nonNegative],
  ['successThreshold', nonNegative],
  ['failureThreshold', nonNegative],
]);

/** Problems of a handler: exactly one action, and that action's own. */
function checkHandler(value: corev1.Probe | corev1.LifecycleHandler, field: string, problems: FieldProblem[]): void {
  const given = HANDLERS.filter((name) => Object.hasOwn(value, name));
  if (given.length === 0) problems.push(problem.required(field, 'must specify a handler type'));
  for (const name of given.slice(1)) problems.push(problem.forbidden(`${field}.${name}`, 'may not specify more than 1 handler type'));
  handler(value, field, problems);
}

/** Problems of a probe. */
export function checkProbe(
  probe: corev1.Probe | undefined,
  kind: 'livenessProbe' | 'readinessProbe' | 'startupProbe',
  field: string,
  problems: FieldProblem[],
): void {
  if (probe === undefined) return;
  checkHandler(probe, field, problems);
  timing(probe, field, problems);
  const { successThreshold = 1, terminationGracePeriodSeconds: grace } = probe;
  if (kind !== 'readinessProbe' && successThreshold !== 1) problems.push(problem.invalid(`${field}.successThreshold`, successThreshold, 'must be 1'));
  if (grace === undefined) return;
  if (kind === 'readinessProbe') problems.push(problem.invalid(`${field}.terminationGracePeriodSeconds`, grace, 'must not be set for readinessProbes'));
  else if (grace <= 0) problems.push(problem.invalid(`${field}.terminationGracePeriodSeconds`, grace, 'must be greater than 0'));
}

/** Problems of what a container does after its start and before its end. */
export function checkLifecycle(lifecycle: corev1.Lifecycle | undefined, graceSeconds: number, field: string, problems: FieldProblem[]): void {
  for (const moment of ['postStart', 'preStop'] as const) {
    const action = lifecycle?.[moment];
    if (action === undefined) continue;
    checkHandler(action, `${field}.${moment}`, problems);
    const seconds = action.sleep?.seconds;
    if (seconds !== undefined && (seconds < 0 || seconds > graceSeconds))
      problems.push(
        problem.invalid(
          `${field}.${moment}.sleep`,
          seconds,
          `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds}). Enable AllowPodLifecycleSleepActionZeroValue feature gate for zero sleep.`,
        ),
      );
  }
}
