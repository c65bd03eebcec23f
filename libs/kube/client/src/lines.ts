import { ConnectionError } from './connection.ts';

/** Longest single line of a watch: an object and the frame around it. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;
const NEWLINE = 0x0a;

/** Splits a stream of bytes into lines without their ends; an unfinished last line is given up. */
export async function* readLines(body: AsyncIterable<Uint8Array>, server: string): AsyncGenerator<string> {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  for await (const chunk of body) {
    let rest = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
      const line = pending.length === 0 ? rest.subarray(0, end) : Buffer.concat([...pending, rest.subarray(0, end)]);
      pending = [];
      pendingBytes = 0;
      rest = rest.subarray(end + 1);
      if (line.length > 0) yield line.toString('utf8');
    }
    if (rest.length === 0) continue;
    pending.push(rest);
    pendingBytes += rest.length;
    if (pendingBytes > MAX_LINE_BYTES)
      throw new ConnectionError({ code: 'answerTooLarge', server, limitBytes: MAX_LINE_BYTES }, `${server}: a watch event exceeds ${MAX_LINE_BYTES} bytes`);
  }
}
