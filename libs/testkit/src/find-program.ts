import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A program some suites need, and the Debian package that brings it. */
export interface Program {
  readonly name: string;
  readonly package: string;
}

/**
 * The path of a program on this machine's PATH. Where it is missing the reason is printed and the caller skips;
 * under `CI=true`, where packages can be installed, that is a failure instead.
 */
export function findProgram(program: Program, env: Readonly<Record<string, string | undefined>>): string | undefined {
  const found = (env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, program.name))
    .find((path) => existsSync(path));
  if (found !== undefined) return found;
  const reason = `${program.name} is not on the PATH (Debian package ${program.package})`;
  if (env['CI'] === 'true') throw new Error(`${reason}: under CI that is a failure`);
  process.stdout.write(`skipped: ${reason}\n`);
  return undefined;
}
