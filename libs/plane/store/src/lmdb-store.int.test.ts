import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, it } from 'vitest';
import { storeContract } from './contract.test-suite.ts';
import { openLmdbStore } from './lmdb-store.ts';

const root = mkdtempSync(join(tmpdir(), 'tiphys-store-'));
let folders = 0;
const folder = (): string => join(root, String((folders += 1)));
afterAll(() => rmSync(root, { recursive: true, force: true }));

storeContract('lmdb store', (retention) => openLmdbStore({ dir: folder(), ...retention }));

const WRITER = `
import { openLmdbStore } from ${JSON.stringify(join(import.meta.dirname, '../dist/index.js'))};
const store = openLmdbStore({ dir: process.argv[2] });
let n = 0;
async function writer(id) {
  for (;;) {
    const key = 'k/' + id + '-' + (n += 1);
    const entry = await store.write({ kind: 'put', key, expect: { kind: 'absent' }, encode: (revision) => Buffer.from(String(revision)) });
    process.stdout.write(key + ' ' + entry.modRevision + '\\n');
  }
}
await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(writer));
`;

async function writeUntilKilled(dir: string, acknowledged: Map<string, number>, lines: number): Promise<void> {
  const script = join(root, `writer-${folders}.mjs`);
  writeFileSync(script, WRITER);
  const child = spawn(process.execPath, [script, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  let seen = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const [key = '', revision = ''] = line.split(' ');
    acknowledged.set(key, Number(revision));
    seen += 1;
    if (seen === lines) child.kill('SIGKILL');
  }
  await exited;
}

describe('durability', () => {
  it('keeps every acknowledged write over kill -9 and reuses no revision', async () => {
    const dir = folder();
    const used = new Set<number>();
    for (const lines of [300, 150, 700]) {
      const acknowledged = new Map<string, number>();
      await writeUntilKilled(dir, acknowledged, lines);
      expect(acknowledged.size).toBeGreaterThanOrEqual(lines);
      await using store = openLmdbStore({ dir });
      for (const [key, revision] of acknowledged) {
        expect(store.get(key)?.modRevision).toBe(revision);
        expect(used.has(revision)).toBe(false);
        used.add(revision);
      }
      const next = await store.write({ kind: 'put', key: 'probe', expect: { kind: 'any' }, encode: () => Buffer.from('x') });
      expect(used.has(next.modRevision)).toBe(false);
      used.add(next.modRevision);
      for (const { key } of store.list({ prefix: 'k/' }).entries)
        await store.write({ kind: 'delete', key, expect: { kind: 'any' }, encode: () => Buffer.from('gone') });
    }
  });

  it('still knows its history after a restart', async () => {
    const dir = folder();
    let from = 0;
    {
      await using store = openLmdbStore({ dir });
      for (const value of ['a', 'b', 'c']) {
        const entry = await store.write({ kind: 'put', key: 'k', expect: { kind: 'any' }, encode: () => Buffer.from(value) });
        if (value === 'a') from = entry.modRevision;
      }
    }
    await using store = openLmdbStore({ dir });
    expect(Buffer.from(store.get('k', from)?.value ?? []).toString()).toBe('a');
    for await (const batch of store.watch({ prefix: 'k', afterRevision: from, signal: AbortSignal.timeout(5_000) })) {
      expect(batch.events.map((event) => [Buffer.from(event.value).toString(), Buffer.from(event.previous?.value ?? []).toString()])).toEqual([
        ['b', 'a'],
        ['c', 'b'],
      ]);
      break;
    }
  });

  it('refuses a folder another living process owns', () => {
    const dir = folder();
    const store = openLmdbStore({ dir });
    writeFileSync(join(dir, 'owner.pid'), String(process.ppid));
    expect(() => openLmdbStore({ dir })).toThrow(/used by process/);
    return store.close();
  });
});
