import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A working repository for tests, made with the `git` program. */
export interface GitRepo extends AsyncDisposable {
  readonly directory: string;
  /** Writes files (null deletes one), commits and returns the commit's id. */
  commit(files: Readonly<Record<string, string | Uint8Array | null>>, message?: string): Promise<string>;
  /** Runs git in the repository and returns what it printed. */
  git(...args: readonly string[]): Promise<string>;
}

/** Makes an empty repository on branch `main` in a temporary folder, or in the one given. */
export async function createGitRepo(directory?: string): Promise<GitRepo> {
  const folder = directory ?? (await mkdtemp(path.join(tmpdir(), 'tiphys-repo-')));
  await mkdir(folder, { recursive: true });
  const git = async (...args: readonly string[]): Promise<string> => {
    const { stdout } = await run(
      'git',
      ['-c', 'user.name=Test', '-c', 'user.email=test@example.org', '-c', 'commit.gpgsign=false', '-c', 'gc.auto=0', ...args],
      { cwd: folder, maxBuffer: 64 * 1024 * 1024 },
    );
    return stdout.trim();
  };
  await git('init', '--quiet', '--initial-branch=main');
  // Fetches of a commit that is no longer a tip are part of what is tested.
  await git('config', 'uploadpack.allowAnySHA1InWant', 'true');
  return {
    directory: folder,
    git,
    async commit(files, message = 'change') {
      for (const [name, content] of Object.entries(files)) {
        const file = path.join(folder, name);
        if (content === null) await rm(file, { force: true, recursive: true });
        else {
          await mkdir(path.dirname(file), { recursive: true });
          await writeFile(file, content);
        }
      }
      await git('add', '--all');
      await git('commit', '--quiet', '--allow-empty', '--message', message);
      return git('rev-parse', 'HEAD');
    },
    async [Symbol.asyncDispose]() {
      await rm(folder, { recursive: true, force: true });
    },
  };
}
