/** Reads the wire format of protobuf (protobuf.dev/programming-guides/encoding). Throws RangeError at a truncated end. */
export class ProtobufReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** The number and wire type of the next field. */
  tag(): { readonly field: number; readonly wireType: number } {
    const tag = Number(this.varint());
    return { field: Math.floor(tag / 8), wireType: tag % 8 };
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) throw new RangeError('truncated varint');
      this.#at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new RangeError('varint longer than ten bytes');
  }

  double(): number {
    const bytes = this.#take(8);
    return new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0, true);
  }

  bytes(): Uint8Array {
    return this.#take(Number(this.varint()));
  }

  text(): string {
    return new TextDecoder().decode(this.bytes());
  }

  /** A reader of an embedded message. */
  message(): ProtobufReader {
    return new ProtobufReader(this.bytes());
  }

  /** Passes over a field nobody knows. */
  skip(wireType: number): void {
    if (wireType === 0) this.varint();
    else if (wireType === 1) this.#take(8);
    else if (wireType === 2) this.bytes();
    else if (wireType === 5) this.#take(4);
    else throw new RangeError(`wire type ${wireType} is not supported`);
  }

  #take(length: number): Uint8Array {
    const end = this.#at + length;
    if (!Number.isSafeInteger(end) || end > this.#bytes.length) throw new RangeError('truncated field');
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }
}
