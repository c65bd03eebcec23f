// Real Kustomize programs on this machine, and what differs between them and ours.
import { execFile, spawnSync } from 'node:child_process';
import { readdirSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const MAX_OUTPUT = 64 * 1024 * 1024;

/** kubectl in every version that lies beside the one on the PATH, and kustomize; the newest Kustomize last. */
export function findKustomizers() {
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  const programs = new Set();
  for (const folder of folders) {
    for (const name of ['kubectl', 'kustomize']) {
      try {
        const target = realpathSync(path.join(folder, name));
        programs.add(target);
        if (name === 'kubectl')
          for (const file of readdirSync(path.dirname(target))) if (/^kubectl\.\d/.test(file)) programs.add(path.join(path.dirname(target), file));
      } catch {
        // Not in this folder.
      }
    }
  }
  return [...programs]
    .map(describe)
    .filter((found) => found !== undefined)
    .toSorted((a, b) => a.version.localeCompare(b.version, 'en', { numeric: true }));
}

function describe(program) {
  const isKubectl = path.basename(program).startsWith('kubectl');
  const { stdout } = spawnSync(program, isKubectl ? ['version', '--client'] : ['version'], { encoding: 'utf8' });
  const version = (isKubectl ? /Kustomize Version: (v\S+)/ : /(v\d\S*)/).exec(String(stdout))?.[1];
  return version === undefined
    ? undefined
    : { program, version, name: `${path.basename(program)} (Kustomize ${version})`, args: isKubectl ? ['kustomize'] : ['build'] };
}

async function real({ program, args }, overlay) {
  try {
    // Without a PATH there is no git: what is missing fails at once instead of being looked for on the network.
    return { out: (await run(program, [...args, overlay], { maxBuffer: MAX_OUTPUT, timeout: 60_000, env: { PATH: '' } })).stdout };
  } catch (error) {
    return { err: String(error.stderr ?? error) };
  }
}

async function ours(build, overlay, reads) {
  try {
    return { out: (await build(overlay, reads)).text() };
  } catch (error) {
    return { err: error.message, code: error.code };
  }
}

/** Builds overlays with ours and with every program; returns what differs, by cause. Overlays that need the network are left out. */
export async function compareOverlays({ folder, reads, build, paths, kustomizers, until = Number.POSITIVE_INFINITY }) {
  const differences = new Map();
  const note = (cause, overlay) => differences.set(cause, [...(differences.get(cause) ?? []), overlay]);
  let compared = 0;
  for (const overlay of paths) {
    if (Date.now() > until) break;
    const mine = await ours(build, overlay, reads);
    if (mine.code === 'remote') continue;
    compared += 1;
    const all = await Promise.all(kustomizers.map((one) => real(one, path.join(folder, overlay))));
    for (const [index, theirs] of all.entries()) {
      if (mine.out !== undefined && mine.out === theirs.out) continue;
      if (mine.err !== undefined && theirs.err !== undefined) continue;
      note(`${kustomizers[index].name}: ${causeOf(mine, theirs)}`, overlay);
    }
  }
  process.stderr.write(`${compared} overlays compared with ${kustomizers.map(({ name }) => name).join(', ')}\n`);
  return differences;
}

// Versions before 5.8 differ from it in ways that are known; everything else is ours to explain.
function causeOf(mine, theirs) {
  if (mine.err?.startsWith('replace operation does not apply') === true) return 'replace of a field that is not there adds it';
  if (mine.err !== undefined) return `ours fails, theirs builds (${mine.code})`;
  if (theirs.err !== undefined) return `theirs fails: ${theirs.err.split('\n').findLast((line) => line.startsWith('error')) ?? theirs.err.slice(0, 80)}`;
  const lines = (text) => text.split('\n');
  const a = lines(mine.out);
  const b = lines(theirs.out);
  if ([...a].sort().join('\n') === [...b].sort().join('\n')) return 'same lines in another order';
  const index = a.findIndex((line, at) => line !== b[at]);
  return `first difference: ${JSON.stringify(a[index]?.trim().slice(0, 40))} / ${JSON.stringify(b[index]?.trim().slice(0, 40))}`;
}
