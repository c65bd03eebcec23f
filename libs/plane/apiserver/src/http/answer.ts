/** What a handler gives back; the connection turns it into an HTTP answer. */
export type Answer =
  | {
      readonly kind: 'json';
      readonly code: number;
      readonly value: unknown;
      readonly contentType?: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: 'bytes';
      readonly code: number;
      readonly contentType: string;
      readonly chunks: readonly (Uint8Array | string)[];
      readonly headers?: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: 'stream';
      readonly code: number;
      readonly contentType: string;
      readonly chunks: AsyncIterable<Uint8Array | string>;
      readonly headers?: Readonly<Record<string, string>>;
    };

/** An answer that is a JSON value. */
export function json(value: unknown, code: number = 200): Answer {
  return { kind: 'json', code, value };
}

/** An answer that is plain text. */
export function plainText(text: string, code: number = 200): Answer {
  return { kind: 'bytes', code, contentType: 'text/plain; charset=utf-8', chunks: [text] };
}
