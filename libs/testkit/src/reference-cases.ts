import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Where cases are, and what to call them when they are not there. */
export interface ReferenceCases {
  readonly what: string;
  /** A file of one JSON object a line, compressed with xz. */
  readonly file: string;
}

/** Cases of other products, kept outside the repository; none, with a printed reason, where they are absent. */
export function readReferenceCases<T>({ what, file }: ReferenceCases): readonly T[] {
  if (!existsSync(file)) {
    process.stderr.write(`skipped: ${what}: ${file} is not there\n`);
    return [];
  }
  const { stdout } = spawnSync('xz', ['-dc', file], { encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 });
  return (
    stdout
      .split('\n')
      .filter((line) => line !== '')
      // Whoever asks knows the form of the file.
      .map((line) => JSON.parse(line) as T)
  );
}
