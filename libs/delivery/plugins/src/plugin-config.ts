import { DomainError } from '@tiphys/kernel';
import { parseDocuments } from '@tiphys/kube-yaml';
import { z } from 'zod';

const command = z
  .looseObject({ command: z.array(z.string()).min(1, 'names no program'), args: z.array(z.string()).default([]) })
  .transform(({ command: words, args }): PluginCommand => [...words, ...args]);
const discover = z.looseObject({
  fileName: z.string().min(1).optional(),
  find: z.looseObject({ glob: z.string().min(1).optional(), command: z.array(z.string()).min(1).optional(), args: z.array(z.string()).default([]) }).optional(),
});
const plugin = z.looseObject({
  apiVersion: z.literal('argoproj.io/v1alpha1'),
  kind: z.literal('ConfigManagementPlugin'),
  metadata: z.looseObject({ name: z.string().min(1) }),
  spec: z.looseObject({
    version: z.string().optional(),
    init: command.optional(),
    generate: command,
    discover: discover.optional(),
    preserveFileMode: z.boolean().default(false),
  }),
});

/** A program and its arguments: started as it is, without a shell. */
export type PluginCommand = readonly string[];

/** How a plugin recognises its folders. */
export interface PluginDiscovery {
  /** A pattern for files of the folder. */
  readonly fileName?: string;
  /** A pattern for files anywhere below the folder. */
  readonly glob?: string;
  /** A program that prints something where it recognises its folder. */
  readonly command?: PluginCommand;
}

/** One plugin, as its file lists it (argo-cd cmpserver/plugin PluginConfig). */
export interface PluginConfig {
  /** `name`, or `name-version` where it has a version: what applications call it. */
  readonly name: string;
  readonly init?: PluginCommand;
  readonly generate: PluginCommand;
  readonly discover?: PluginDiscovery;
  /** Files that Git knows as programs can be run. */
  readonly preserveFileMode: boolean;
}

/** `invalid` a file of plugins cannot be used; the sentence names the field. */
export interface PluginConfigErrorDetail {
  readonly code: 'invalid';
  readonly file: string;
}

/** A file of plugins that cannot be used. */
export class PluginConfigError extends DomainError<PluginConfigErrorDetail> {
  override readonly name = 'PluginConfigError';
}

/** Reads ConfigManagementPlugin documents. Throws PluginConfigError. */
export function parsePlugins(text: string, file: string): readonly PluginConfig[] {
  const { values, problems } = parseDocuments(text, { source: file });
  const [problem] = problems;
  if (problem !== undefined)
    throw new PluginConfigError({ code: 'invalid', file }, `${file}${problem.line === undefined ? '' : `:${problem.line}`}: ${problem.message}`);
  return values.map(({ value, line }) => {
    const parsed = plugin.safeParse(value);
    if (parsed.success) return toConfig(parsed.data);
    const [issue] = parsed.error.issues;
    throw new PluginConfigError({ code: 'invalid', file }, `${file}:${line}: ${issue?.path.map(String).join('.') ?? ''}: ${issue?.message ?? 'is no plugin'}`, {
      hint: 'a plugin is an object of kind ConfigManagementPlugin, argoproj.io/v1alpha1, with spec.generate.command',
    });
  });
}

function toConfig({ metadata, spec }: z.infer<typeof plugin>): PluginConfig {
  const { version = '', init, generate, preserveFileMode } = spec;
  const found = toDiscovery(spec.discover);
  return {
    name: version === '' ? metadata.name : `${metadata.name}-${version}`,
    generate,
    preserveFileMode,
    ...(init === undefined ? {} : { init }),
    ...(found === undefined ? {} : { discover: found }),
  };
}

function toDiscovery(found: z.infer<typeof discover> | undefined): PluginDiscovery | undefined {
  const { fileName, find } = found ?? {};
  const program = find?.command === undefined ? undefined : [...find.command, ...find.args];
  if (fileName === undefined && find?.glob === undefined && program === undefined) return undefined;
  return {
    ...(fileName === undefined ? {} : { fileName }),
    ...(find?.glob === undefined ? {} : { glob: find.glob }),
    ...(program === undefined ? {} : { command: program }),
  };
}
