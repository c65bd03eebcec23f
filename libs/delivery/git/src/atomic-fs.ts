import { randomUUID } from 'node:crypto';
import fs from 'node:fs/promises';
import type { PromiseFsClient } from 'isomorphic-git';

/** The file system for caches: a file is there whole or not at all, so a crash leaves only temporary names. */
export function atomicFs(): PromiseFsClient {
  return {
    promises: {
      readFile: fs.readFile,
      readdir: fs.readdir,
      mkdir: fs.mkdir,
      rmdir: fs.rmdir,
      unlink: fs.unlink,
      stat: fs.stat,
      lstat: fs.lstat,
      readlink: fs.readlink,
      symlink: fs.symlink,
      chmod: fs.chmod,
      async writeFile(file: string, data: string | Uint8Array): Promise<void> {
        const temporary = `${file}.tmp-${randomUUID()}`;
        await fs.writeFile(temporary, data);
        await fs.rename(temporary, file);
      },
    },
  };
}
