const START_BYTES = 1_024;
const TWO_POW_32 = 2 ** 32;
// Below this a loop over characters is faster than the encoder's call.
const SHORT_TEXT = 64;
const encoder = new TextEncoder();

/**
 * Writes the wire format of protobuf from its end to its beginning, so that the length of a message is known when it
 * has to be written. Callers write fields in descending order.
 */
export class ProtobufWriter {
  #bytes = new Uint8Array(START_BYTES);
  #at = START_BYTES;

  /** Bytes written so far. */
  get length(): number {
    return this.#bytes.length - this.#at;
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#bytes.slice(this.#at);
  }

  /** The tag of a field, written after its value. */
  tag(field: number, wireType: 0 | 1 | 2): void {
    this.varint(field * 8 + wireType);
  }

  /** The length and tag of a field whose content was written since the writer's length was `since`. */
  close(field: number, since: number): void {
    this.varint(this.length - since);
    this.tag(field, 2);
  }

  /** An integer; negative ones take ten bytes, as int32 and int64 do. */
  varint(value: number): void {
    const whole = Math.trunc(value);
    if (whole >= 0 && whole < 0x80) this.#byte(whole);
    else if (whole >= 0 && whole < TWO_POW_32) this.#small(whole);
    else this.#large(BigInt.asUintN(64, BigInt(whole)));
  }

  double(value: number): void {
    const at = this.#reserve(8);
    new DataView(this.#bytes.buffer).setFloat64(at, value, true);
  }

  /** Bytes without length or tag. */
  raw(bytes: Uint8Array): void {
    // Reserving may replace the buffer, so it comes first.
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** UTF-8 text without length or tag. */
  text(value: string): void {
    if (value.length > SHORT_TEXT || !this.#ascii(value)) this.raw(encoder.encode(value));
  }

  #ascii(value: string): boolean {
    const at = this.#reserve(value.length);
    for (let index = 0; index < value.length; index += 1) {
      const code = value.charCodeAt(index);
      if (code >= 0x80) {
        this.#at += value.length;
        return false;
      }
      this.#bytes[at + index] = code;
    }
    return true;
  }

  #byte(value: number): void {
    const at = this.#reserve(1);
    this.#bytes[at] = value;
  }

  #small(value: number): void {
    let size = 1;
    for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 128)) size += 1;
    let at = this.#reserve(size);
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 128)) this.#bytes[at++] = (rest % 128) | 0x80;
    this.#bytes[at] = rest;
  }

  #large(value: bigint): void {
    const bytes: number[] = [];
    let rest = value;
    for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    bytes.push(Number(rest));
    this.raw(Uint8Array.from(bytes));
  }

  #reserve(size: number): number {
    if (size > this.#at) {
      const used = this.length;
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, used + size));
      grown.set(this.#bytes.subarray(this.#at), grown.length - used);
      this.#at = grown.length - used;
      this.#bytes = grown;
    }
    this.#at -= size;
    return this.#at;
  }
}
