export { abortReason, aborted, mapLimit, retry, sleep, withTimeout, type RetryOptions } from './async.ts';
export { systemClock, toMicroTimestamp, toTimestamp, type Clock } from './clock.ts';
export { parseDuration } from './duration.ts';
export {
  assert,
  DomainError,
  isAbortError,
  messageOf,
  must,
  TimeoutError,
  unreachable,
  UnrecoverableError,
  type DomainErrorOptions,
  type ErrorDetail,
} from './errors.ts';
export { LIMITS } from './limits.ts';
export { createLogger, REDACTED, redactUrl, type Logger, type LoggerOptions } from './logger.ts';
export { supervise, type Service, type SuperviseOptions } from './service.ts';
export { defaultRateLimit, WorkQueue, type RateLimit, type WorkQueueOptions } from './workqueue.ts';
