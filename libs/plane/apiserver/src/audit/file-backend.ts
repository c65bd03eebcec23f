import { appendFile, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { messageOf, type Clock, type Logger } from '@tiphys/kernel';

/** Where audit events are written, and how much of them is kept. */
export interface AuditFileOptions {
  readonly path: string;
  /** Size at which a file is put aside. Default 100 MiB. */
  readonly maxSizeBytes?: number;
  /** Files put aside that are kept. Default 10. */
  readonly maxBackups?: number;
  /** Days a file put aside is kept. Default 30. */
  readonly maxAgeDays?: number;
}

/** Takes audit events, one JSON document each. */
export interface AuditBackend {
  write(line: string): void;
  /** Resolves when everything is in the file. */
  close(): Promise<void>;
}

const MEBIBYTE = 1024 * 1024;
const DAY_MS = 86_400_000;
// Text waiting for the disk; what comes beyond it is counted and not recorded.
const MAX_WAITING_BYTES = 32 * MEBIBYTE;

/** Appends events to a file in the order they come; puts it aside when it is full. A disk that fails costs events, never requests. */
export function createAuditFile(options: AuditFileOptions, { clock, logger }: { readonly clock: Clock; readonly logger: Logger }): AuditBackend {
  const { path, maxSizeBytes = 100 * MEBIBYTE, maxBackups = 10, maxAgeDays = 30 } = options;
  let waiting: string[] = [];
  let waitingBytes = 0;
  let dropped = 0;
  let draining: Promise<void> | undefined;
  let size: number | undefined;
  const append = async (text: string): Promise<void> => {
    size ??= await sizeOf(path);
    if (size > 0 && size + text.length > maxSizeBytes) {
      await putAside(path, { nowMs: clock.now(), maxBackups, maxAgeMs: maxAgeDays * DAY_MS });
      size = 0;
    }
    await appendFile(path, text, { mode: 0o600 });
    size += Buffer.byteLength(text);
  };
  const drain = async (): Promise<void> => {
    while (waiting.length > 0) {
      const text = waiting.join('');
      waiting = [];
      waitingBytes = 0;
      try {
        await append(text);
        if (dropped > 0) logger.error({ dropped }, 'audit events were lost: the disk was too slow');
        dropped = 0;
      } catch (error) {
        size = undefined;
        logger.error({ reason: messageOf(error), path }, 'audit events were lost: the audit log cannot be written');
      }
    }
    draining = undefined;
  };
  return {
    write(line) {
      if (waitingBytes > MAX_WAITING_BYTES) {
        dropped += 1;
        return;
      }
      waiting.push(`${line}\n`);
      waitingBytes += line.length;
      draining ??= drain();
    },
    close: async () => await draining,
  };
}

async function sizeOf(path: string): Promise<number> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 0;
    throw error;
  }
}

async function putAside(path: string, limits: { readonly nowMs: number; readonly maxBackups: number; readonly maxAgeMs: number }): Promise<void> {
  const stamp = new Date(limits.nowMs).toISOString().replaceAll(':', '-');
  await rename(path, `${path}.${stamp}`);
  const prefix = `${basename(path)}.`;
  const aside = (await readdir(dirname(path))).filter((name) => name.startsWith(prefix)).toSorted();
  const oldest = new Date(limits.nowMs - limits.maxAgeMs).toISOString().replaceAll(':', '-');
  const surplus = aside.filter((name, index) => index < aside.length - limits.maxBackups || name.slice(prefix.length) < oldest);
  for (const name of surplus) await rm(join(dirname(path), name), { force: true });
}
