/** A place in a YAML text: all zero-based, the column counted in characters. */
export interface Mark {
  readonly index: number;
  readonly line: number;
  readonly column: number;
}

/** Code of "no more input". A NUL in the text is refused before scanning, so it cannot be mistaken. */
export const END = 0;

/** Whether the character is a line break of YAML 1.1: CR, LF, NEL, LS, PS. */
export function isBreak(code: number): boolean {
  return code === 10 || code === 13 || code === 0x85 || code === 0x2028 || code === 0x2029;
}

/** Whether the character is a break or the end. */
export function isBreakOrEnd(code: number): boolean {
  return code === END || isBreak(code);
}

/** Whether the character is a space or a tab. */
export function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}

/** Whether the character is a blank, a break or the end. */
export function isBlankOrEnd(code: number): boolean {
  return code === 32 || code === 9 || code === END || isBreak(code);
}

/** Whether the character may stand in anchors and tag handles. */
export function isWord(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95 || code === 45;
}

/** Reads a text forward, counting lines and columns as libyaml does. */
export class Cursor {
  readonly text: string;
  index: number;
  line = 0;
  column = 0;

  constructor(text: string) {
    this.text = text;
    // A byte order mark in front is how the bytes are encoded, and no column of the text.
    this.index = text.startsWith('\ufeff') ? 1 : 0;
  }

  /** The character `ahead` of here; END beyond the text. */
  peek(ahead = 0): number {
    const at = this.index + ahead;
    return at < this.text.length ? this.text.charCodeAt(at) : END;
  }

  mark(): Mark {
    return { index: this.index, line: this.line, column: this.column };
  }

  skip(count = 1): void {
    this.index += count;
    this.column += count;
  }

  /** Skips one line break; CR LF counts as one. */
  skipLine(): void {
    this.index += this.peek() === 13 && this.peek(1) === 10 ? 2 : 1;
    this.line += 1;
    this.column = 0;
  }

  /** Skips one line break and returns what it means: LF for CR, LF and NEL, itself for LS and PS. */
  readLine(): string {
    const code = this.peek();
    if (code === END) return '';
    this.skipLine();
    return code >= 0x2028 ? String.fromCharCode(code) : '\n';
  }

  /** Whether a document marker (`---` or `...`) stands here, at the start of a line. */
  atDocumentMarker(): boolean {
    if (this.column !== 0) return false;
    const code = this.peek();
    return (code === 45 || code === 46) && this.peek(1) === code && this.peek(2) === code && isBlankOrEnd(this.peek(3));
  }

  /** Skips to the end of the line. */
  skipToBreak(): void {
    while (!isBreakOrEnd(this.peek())) this.skip();
  }
}
