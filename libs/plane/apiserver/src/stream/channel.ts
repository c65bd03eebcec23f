import type { TerminalSize } from '../nodes.ts';

/** Which streams an exec or attach uses. */
export interface StreamChoice {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** The client's end of an exec or attach, over whatever transport. */
export interface ExecChannel {
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly resize: AsyncIterable<TerminalSize>;
  stdout(chunk: Uint8Array): void;
  stderr(chunk: Uint8Array): void;
  /** Sends the closing Status and ends the connection. */
  finish(status: unknown): Promise<void>;
}

/** Reads which streams a request wants. */
export function streamChoice(query: URLSearchParams): StreamChoice {
  const isTrue = (name: string): boolean => ['true', '1'].includes(query.get(name) ?? '');
  const tty = isTrue('tty');
  return { stdin: isTrue('stdin'), stdout: isTrue('stdout'), stderr: isTrue('stderr') && !tty, tty };
}

/** Terminal sizes from the JSON messages clients send. */
export async function* terminalSizes(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<TerminalSize> {
  for await (const chunk of chunks) {
    for (const match of Buffer.from(chunk)
      .toString()
      .matchAll(/\{[^{}]*\}/g)) {
      const size = readSize(match[0]);
      if (size !== undefined) yield size;
    }
  }
}

function readSize(text: string): TerminalSize | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    const { Width, Height, width = Width, height = Height } = value as Readonly<Record<string, unknown>>; // Any JSON object.
    return typeof width === 'number' && typeof height === 'number' ? { width, height } : undefined;
  } catch {
    // Not a size.
    return undefined;
  }
}
