import { prefixed } from '../kustomize-error.ts';
import type { ResMap } from '../resource/res-map.ts';
import type { Resource } from '../resource/resource.ts';
import { describeConfig } from './describe.ts';
import type { Origin } from './origin.ts';

/** A generator that is ready to run. */
export interface GeneratorStep {
  readonly origin: Origin | undefined;
  generate(): Promise<readonly Resource[]>;
}

/** A transformer that is ready to run. */
export interface TransformerStep {
  readonly origin: Origin | undefined;
  readonly transform: (map: ResMap) => void;
}

/** Prepares a step from a kustomization's own field; what fails shows the configuration. */
export async function configured<T>(kind: string, config: Readonly<Record<string, unknown>>, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    throw prefixed(`trouble configuring builtin ${kind} with config: \`\n${describeConfig(config)}\``, error);
  }
}
