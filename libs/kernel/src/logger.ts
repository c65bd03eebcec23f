import { pino, type Logger as PinoLogger } from 'pino';

/** A pino logger: fields first, then a constant message. */
export type Logger = PinoLogger;

/** How logs are written. */
export interface LoggerOptions {
  readonly level?: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
  /** Where lines go; default is standard error, so standard output stays the command's answer. */
  readonly write?: (line: string) => void;
}

/** What stands where a secret stood. */
export const REDACTED = '[redacted]';

const SENSITIVE_KEYS = [
  'password',
  'token',
  'bearerToken',
  'authorization',
  'Authorization',
  'cookie',
  'Cookie',
  'set-cookie',
  'secret',
  'stringData',
  'sshPrivateKey',
  'tlsClientCertKey',
  'privateKey',
  'kubeconfig',
  'accessToken',
  'clientSecret',
];

// pino redacts by path; a wildcard stands for one level, so each key is listed at the depths our fields have.
const REDACT_PATHS = SENSITIVE_KEYS.flatMap((key) => {
  const quoted = `["${key}"]`;
  return [quoted, `*${quoted}`, `*.*${quoted}`, `*.*.*${quoted}`];
});

/** The root logger of a process. Redacts secrets by key, Secret data by kind and credentials in URLs. */
export function createLogger(options: LoggerOptions = {}): Logger {
  const destination = options.write === undefined ? pino.destination({ dest: 2, sync: true }) : { write: options.write };
  return pino(
    {
      level: options.level ?? 'info',
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: REDACT_PATHS, censor: REDACTED },
      formatters: { level: (label) => ({ level: label }), log: (fields) => redactFields(fields) as Record<string, unknown> },
      serializers: { err: serializeError },
    },
    destination,
  );
}

function redactFields(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactUrl(value);
  if (typeof value !== 'object' || value === null || value instanceof Error || depth > 6) return value;
  if (Array.isArray(value)) return value.map((item) => redactFields(item, depth + 1));
  const isSecret = 'kind' in value && value.kind === 'Secret';
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [key, isSecret && (key === 'data' || key === 'stringData') ? REDACTED : redactFields(field, depth + 1)]),
  );
}

const MAX_CAUSES = 5;

function serializeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return redactFields(error);
  return {
    type: error.name,
    ...('code' in error ? { code: error.code } : {}),
    message: redactUrl(error.message),
    stack: redactUrl(error.stack ?? ''),
    ...(error.cause !== undefined && depth < MAX_CAUSES ? { cause: serializeError(error.cause, depth + 1) } : {}),
  };
}

/** The text with the credentials of every URL in it, and every token-like header, taken out. */
export function redactUrl(text: string): string {
  return text.replace(/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@"']+@/gi, `$1${REDACTED}@`).replace(/\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}/g, `$1 ${REDACTED}`);
}
