import type { Path } from '@tiphys/delivery-diff';
import type { ScriptEngine } from '@tiphys/delivery-scripts';
import type { KubeObject } from '@tiphys/kube-model';

/** Where jq points in an object, or why it cannot say. */
export type JqAnswer = { readonly kind: 'paths'; readonly paths: readonly Path[] } | { readonly kind: 'failed'; readonly message: string | undefined };

/** Asks jq where expressions point, each in an object of its own; the answers stand in the order of the questions. Throws the signal's reason. */
export async function askJqPaths(
  questions: readonly { readonly expression: string; readonly input: KubeObject }[],
  scripts: Pick<ScriptEngine, 'run'>,
  signal: AbortSignal,
): Promise<readonly JqAnswer[]> {
  if (questions.length === 0) return [];
  const results = await scripts.run(
    questions.map(({ expression, input }) => ({ kind: 'jqPaths', expression, input })),
    signal,
  );
  return questions.map((_, index) => {
    const result = results[index];
    return result?.kind === 'value' ? { kind: 'paths', paths: readPaths(result.value) } : { kind: 'failed', message: result?.message };
  });
}

function readPaths(value: unknown): readonly Path[] {
  if (!Array.isArray(value)) return [];
  return value.filter((path): path is Path => Array.isArray(path) && path.every((step) => typeof step === 'string' || typeof step === 'number'));
}
