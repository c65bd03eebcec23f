import { gunzipSync } from 'node:zlib';
import type { ChartFile } from './chart.ts';

/** Limits of a chart, those of Helm: bytes unpacked in all, and of one file. */
export const CHART_LIMITS: { readonly chartBytes: number; readonly fileBytes: number; readonly files: number } = {
  chartBytes: 100 * 1024 * 1024,
  fileBytes: 5 * 1024 * 1024,
  files: 20_000,
};

const BLOCK = 512;

/** Unpacks a chart archive (.tgz). Throws an Error with Helm's words for what is malformed, too large or leads out of the chart. */
export function readArchive(bytes: Uint8Array): readonly ChartFile[] {
  const files: ChartFile[] = [];
  for (const entry of tarEntries(unzip(bytes))) {
    const name = chartPath(entry.name);
    if (entry.data.length > CHART_LIMITS.fileBytes)
      throw new Error(`decompressed chart file "${entry.name}" is larger than the maximum file size ${CHART_LIMITS.fileBytes}`);
    files.push({ name, data: withoutBom(entry.data) });
    if (files.length > CHART_LIMITS.files) throw new Error(`chart archive holds more than ${CHART_LIMITS.files} files`);
  }
  if (files.length === 0) throw new Error('no files in chart archive');
  return files;
}

/** The bytes without a UTF-8 byte order mark. */
export function withoutBom(data: Uint8Array): Uint8Array {
  return data[0] === 0xef && data[1] === 0xbb && data[2] === 0xbf ? data.subarray(3) : data;
}

function unzip(bytes: Uint8Array): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: CHART_LIMITS.chartBytes });
  } catch (error) {
    const isTooLarge = error instanceof RangeError;
    throw new Error(isTooLarge ? `decompressed chart is larger than the maximum size ${CHART_LIMITS.chartBytes}` : 'gzip: invalid header', { cause: error });
  }
}

function chartPath(raw: string): string {
  const parts = raw.split(raw.includes('\\') ? '\\' : '/');
  const path = parts.slice(1).join('/');
  if (path.startsWith('/')) throw new Error('chart illegally contains absolute paths');
  const clean = cleanPath(path);
  if (clean === '.') throw new Error(`chart illegally contains content outside the base directory: "${raw}"`);
  if (clean.startsWith('..')) throw new Error('chart illegally references parent directory');
  if (/^[a-zA-Z]:\//.test(clean)) throw new Error('chart contains illegally named files');
  if (parts[0] === 'Chart.yaml') throw new Error('chart yaml not in base directory');
  return clean;
}

// Go's path.Clean for relative paths.
function cleanPath(path: string): string {
  const out: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && out.length > 0 && out.at(-1) !== '..') out.pop();
    else out.push(part);
  }
  return out.length === 0 ? '.' : out.join('/');
}

interface TarEntry {
  readonly name: string;
  readonly data: Uint8Array;
}

function* tarEntries(tar: Uint8Array): Generator<TarEntry> {
  let longName: string | undefined;
  for (let at = 0; at + BLOCK <= tar.length;) {
    const header = tar.subarray(at, at + BLOCK);
    if (header[0] === 0) return;
    const size = readSize(header);
    const data = tar.subarray(at + BLOCK, at + BLOCK + size);
    if (data.length < size) throw new Error('unexpected EOF');
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    const type = String.fromCharCode(header[156] ?? 0);
    if (type === 'L') longName = text(data);
    else if (type === 'x') longName = paxPath(text(data, false)) ?? longName;
    else {
      const name = longName ?? headerName(header);
      longName = undefined;
      // Links are not followed: an archive can only contain what it carries.
      if (type === '0' || type === '\0' || type === '7') if (!name.endsWith('/')) yield { name, data };
    }
  }
}

function text(bytes: Uint8Array, stopsAtNul = true): string {
  const end = stopsAtNul ? bytes.indexOf(0) : -1;
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString();
}

function headerName(header: Uint8Array): string {
  const name = text(header.subarray(0, 100));
  const isUstar = text(header.subarray(257, 262)) === 'ustar';
  const prefix = isUstar ? text(header.subarray(345, 500)) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

function readSize(header: Uint8Array): number {
  const field = header.subarray(124, 136);
  const size = Number.parseInt(text(field).trim() || '0', 8);
  if (!Number.isSafeInteger(size) || size < 0 || ((field[0] ?? 0) & 0x80) !== 0) throw new Error('archive/tar: invalid tar header');
  return size;
}

function paxPath(records: string): string | undefined {
  return /(?:^|\n)\d+ path=([^\n]*)\n/.exec(records)?.[1];
}
