import { createInterface } from 'node:readline';
import { DomainError, messageOf } from '@tiphys/kernel';
import { z } from 'zod';
import { renderLocal, type RenderJob } from './render-local.ts';

const MAX_LINE_CHARS = 4 * 1024 * 1024;

const lineShape = z.looseObject({
  id: z.union([z.string(), z.number()]).optional(),
  path: z.string().min(1),
  tool: z.enum(['helm', 'kustomize', 'jsonnet', 'directory']).optional(),
  release: z.string().optional(),
  namespace: z.string().optional(),
  valuesFiles: z.array(z.string()).optional(),
  set: z
    .union([
      z.array(z.string()),
      z.record(z.string(), z.unknown()).transform((values) => Object.entries(values).map(([key, value]) => `${key}=${String(value)}`)),
    ])
    .optional(),
  kubeVersion: z.string().optional(),
  apiVersions: z.array(z.string()).optional(),
  includeCRDs: z.boolean().optional(),
  compat: z.enum(['helm4', 'helm3']).optional(),
});

/** Answers one JSON request a line with one JSON answer a line, in order, until the input ends. */
export async function renderBatch(input: NodeJS.ReadableStream, write: (text: string) => void): Promise<void> {
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line.trim() !== '') write(`${JSON.stringify(await answerOf(line))}\n`);
  }
}

async function answerOf(line: string): Promise<Readonly<Record<string, unknown>>> {
  const startedAt = performance.now();
  const elapsed = (): number => Math.round((performance.now() - startedAt) * 1000) / 1000;
  let id: unknown;
  try {
    if (line.length > MAX_LINE_CHARS) throw new Error(`request exceeds ${MAX_LINE_CHARS} characters`);
    const request: unknown = JSON.parse(line);
    id = typeof request === 'object' && request !== null && 'id' in request ? request.id : undefined;
    const { id: _, ...job } = lineShape.parse(request);
    // The shape was just checked; fields it does not name are not read.
    return { id, out: await renderLocal(job as RenderJob), ms: elapsed() };
  } catch (error) {
    return {
      id,
      error: messageOf(error),
      code: error instanceof DomainError ? error.code : error instanceof z.ZodError || error instanceof SyntaxError ? 'request' : 'internal',
      ms: elapsed(),
    };
  }
}
