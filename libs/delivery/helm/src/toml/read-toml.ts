import { parseTime } from '../go/time-layout.ts';
import { goTime } from '../go/time.ts';
import { goInt64, goList, GoMap, GoSlice, type GoValue } from '../go/value.ts';

const MAX_DEPTH = 200;
const TABLES = '[]map[string]interface {}';
const ESCAPES: Readonly<Record<string, string>> = { b: '\b', t: '\t', n: '\n', f: '\f', r: '\r', e: '\u001b', '"': '"', '\\': '\\' };

/** Reads TOML 1.0 as BurntSushi's decoder does into a map: integers are int64. Throws with line and reason. */
export function readToml(text: string): GoMap {
  return new TomlReader(text.replaceAll('\r\n', '\n')).document();
}

class TomlReader {
  readonly #text: string;
  #at = 0;
  readonly #defined = new Set<GoMap>();
  readonly #closed = new Set<GoMap | GoSlice>();

  constructor(text: string) {
    this.#text = text;
  }

  document(): GoMap {
    const root = new GoMap();
    let table = root;
    for (this.#blank(); this.#at < this.#text.length; this.#blank()) {
      if (this.#text.startsWith('[[', this.#at)) table = this.#arrayHeader(root);
      else if (this.#peek() === '[') table = this.#header(root);
      else this.#pair(table, 0);
      this.#spaces();
      if (this.#at < this.#text.length && this.#peek() !== '\n' && this.#peek() !== '#')
        this.#fail(`expected a newline but found ${JSON.stringify(this.#peek())}`);
    }
    return root;
  }

  #fail(reason: string): never {
    throw new Error(`toml: line ${this.#text.slice(0, this.#at).split('\n').length}: ${reason}`);
  }

  #peek(): string {
    return this.#text.charAt(this.#at);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #spaces(): void {
    this.#match(/[ \t]*/y);
  }

  // Space, line ends and comments.
  #blank(): void {
    this.#match(/(?:[ \t\n]|#[^\n]*)*/y);
  }

  #expect(text: string): void {
    if (!this.#text.startsWith(text, this.#at)) this.#fail(`expected ${JSON.stringify(text)} but found ${JSON.stringify(this.#peek())}`);
    this.#at += text.length;
  }

  #header(root: GoMap): GoMap {
    this.#at += 1;
    const path = this.#path();
    this.#expect(']');
    const table = this.#descend(root, path);
    if (this.#defined.has(table)) this.#fail(`Key '${path.join('.')}' has already been defined.`);
    this.#defined.add(table);
    return table;
  }

  #arrayHeader(root: GoMap): GoMap {
    this.#at += 2;
    const path = this.#path();
    this.#expect(']]');
    const parent = this.#descend(root, path.slice(0, -1));
    const name = path.at(-1) ?? '';
    const known = parent.entries.get(name);
    if (known !== undefined && (!(known instanceof GoSlice) || known.typeName !== TABLES)) this.#fail(`Key '${path.join('.')}' has already been defined.`);
    const table = new GoMap();
    parent.entries.set(name, new GoSlice([...(known instanceof GoSlice ? known.items : []), table], TABLES));
    return table;
  }

  #descend(from: GoMap, path: readonly string[]): GoMap {
    let table = from;
    if (path.length > MAX_DEPTH) this.#fail(`keys nested deeper than ${MAX_DEPTH}`);
    for (const name of path) {
      const known = table.entries.get(name);
      const next = known instanceof GoSlice && known.typeName === TABLES ? known.items.at(-1) : (known ?? new GoMap());
      if (!(next instanceof GoMap) || this.#closed.has(next)) return this.#fail(`Key '${path.join('.')}' has already been defined.`);
      if (known === undefined) table.entries.set(name, next);
      table = next;
    }
    return table;
  }

  #path(): string[] {
    const path: string[] = [];
    for (;;) {
      this.#spaces();
      path.push(this.#key());
      this.#spaces();
      if (this.#peek() !== '.') return path;
      this.#at += 1;
    }
  }

  #key(): string {
    if (this.#peek() === '"') return this.#basic();
    if (this.#peek() === "'") return this.#literal();
    return this.#match(/[A-Za-z0-9_-]+/y) ?? this.#fail(`expected a key but found ${JSON.stringify(this.#peek())}`);
  }

  #pair(table: GoMap, depth: number): void {
    const path = this.#path();
    this.#expect('=');
    this.#spaces();
    const value = this.#value(depth);
    const target = this.#descend(table, path.slice(0, -1));
    const name = path.at(-1) ?? '';
    if (target.entries.has(name)) this.#fail(`Key '${path.join('.')}' has already been defined.`);
    target.entries.set(name, value);
  }

  #value(depth: number): GoValue {
    if (depth > MAX_DEPTH) this.#fail(`values nested deeper than ${MAX_DEPTH}`);
    switch (this.#peek()) {
      case '"':
        return this.#text.startsWith('"""', this.#at) ? this.#multiline('"""') : this.#basic();
      case "'":
        return this.#text.startsWith("'''", this.#at) ? this.#multiline("'''") : this.#literal();
      case '[':
        return this.#array(depth);
      case '{':
        return this.#inlineTable(depth);
      default:
        return this.#scalar();
    }
  }

  #scalar(): GoValue {
    const text = this.#match(/\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:[Zz]|[+-]\d{2}:\d{2})?|[^\s,\]}#=]+/y) ?? this.#fail('expected a value');
    if (text === 'true' || text === 'false') return text === 'true';
    const bare = text.replaceAll('_', '');
    if (/^[+-]?inf$/.test(text)) return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    if (/^[+-]?nan$/.test(text)) return Number.NaN;
    if (/__|_$|^_|_\.|\._/.test(text)) this.#fail(`Invalid integer ${JSON.stringify(text)}: underscores must be surrounded by digits`);
    if (/^[+-]?(?:0|[1-9]\d*)$/.test(bare)) return goInt64(BigInt(bare.replace('+', '')));
    if (/^0(?:x[0-9a-fA-F]+|o[0-7]+|b[01]+)$/.test(bare)) return goInt64(BigInt(bare));
    if (/^[+-]?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(bare)) return Number(bare);
    return this.#time(text);
  }

  #time(text: string): GoValue {
    const normal = text.replace(/[t ]/, 'T').replace('z', 'Z');
    for (const layout of ['2006-01-02T15:04:05.999999999Z07:00', '2006-01-02T15:04:05.999999999', '2006-01-02', '15:04:05.999999999']) {
      try {
        return goTime(parseTime(layout, normal));
      } catch {
        // Not of this form: the next one, or the complaint below.
      }
    }
    return this.#fail(`expected value but found ${JSON.stringify(text)} instead`);
  }

  #array(depth: number): GoValue {
    const items: GoValue[] = [];
    this.#at += 1;
    for (;;) {
      this.#blank();
      if (this.#peek() === ']') break;
      items.push(this.#value(depth + 1));
      this.#blank();
      if (this.#peek() !== ',') break;
      this.#at += 1;
    }
    this.#expect(']');
    return goList(items);
  }

  #inlineTable(depth: number): GoValue {
    const table = new GoMap();
    this.#at += 1;
    this.#spaces();
    while (this.#peek() !== '}') {
      this.#pair(table, depth + 1);
      this.#spaces();
      if (this.#peek() !== ',') break;
      this.#at += 1;
      this.#spaces();
    }
    this.#expect('}');
    this.#closed.add(table);
    return table;
  }

  #literal(): string {
    const text = this.#match(/'[^'\n]*'/y) ?? this.#fail('strings cannot contain newlines');
    return text.slice(1, -1);
  }

  #basic(): string {
    const text = this.#match(/"(?:[^"\\\n]|\\.)*"/y) ?? this.#fail('strings cannot contain newlines');
    return this.#unescape(text.slice(1, -1));
  }

  #multiline(mark: string): string {
    const start = this.#at + 3;
    let end = this.#text.indexOf(mark, start);
    while (mark === '"""' && end >= 0 && (/\\+$/.exec(this.#text.slice(start, end))?.[0].length ?? 0) % 2 === 1) end = this.#text.indexOf(mark, end + 1);
    if (end < 0) this.#fail('unexpected EOF; expected a closing quote');
    while (this.#text.charAt(end + 3) === mark.charAt(0)) end += 1;
    this.#at = end + 3;
    const body = this.#text.slice(start, end).replace(/^\n/, '');
    return mark === "'''" ? body : this.#unescape(body.replace(/\\[ \t]*\n\s*/g, ''));
  }

  #unescape(text: string): string {
    return text.replace(/\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}|.)/gs, (whole, escape: string) => {
      if (escape.length > 1) return String.fromCodePoint(Math.min(Number.parseInt(escape.slice(1), 16), 0x10ffff));
      return ESCAPES[escape] ?? this.#fail(`invalid escape character ${JSON.stringify(whole)}`);
    });
  }
}
