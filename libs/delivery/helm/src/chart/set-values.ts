import { quote } from '../go/strconv.ts';
import { fromJson, goInt64, GoMap, GoSlice, type GoValue } from '../go/value.ts';

const MAX_INDEX = 65_536;
const MAX_NESTING = 30;
const INT64_LIMIT = 2n ** 63n;

/** How the values of a set line are read: typed (`--set`), as strings (`--set-string`), as JSON (`--set-json`), or by a function (`--set-file`). */
export type SetMode = 'typed' | 'string' | 'json' | ((text: string) => GoValue);

/** Reads a line such as `a.b[0]=1,c={x,y}` into `values`, in place. Throws an Error with Helm's words. */
export function setValues(line: string, values: GoMap, mode: SetMode = 'typed'): void {
  const parser = new SetParser(line, mode);
  while (!parser.isAtEnd) parser.key(values, 0);
}

/** Reads a `--set-literal` line: everything behind the first `=` is one string. Throws an Error with Helm's words. */
export function setLiteral(line: string, values: GoMap): void {
  const equals = line.indexOf('=');
  if (equals < 0) throw new Error(`key ${quote(line)} has no value`);
  new SetParser(`${line.slice(0, equals + 1)}\u0000`, () => line.slice(equals + 1)).key(values, 0);
}

/** What `--set` makes of a text. */
function typedValue(text: string): GoValue {
  const lower = text.toLowerCase();
  if (lower === 'true') return true;
  if (lower === 'false') return false;
  if (lower === 'null') return null;
  if (text === '0') return goInt64(0);
  if (/^[-+]?\d+$/.test(text) && !text.startsWith('0')) {
    const value = BigInt(text.replace(/^\+/, ''));
    if (value >= -INT64_LIMIT && value < INT64_LIMIT) return goInt64(value);
  }
  return text;
}

interface Piece {
  readonly text: string;
  /** The character that ended it; undefined at the end of the line. */
  readonly stop: string | undefined;
}

class SetParser {
  readonly #runes: readonly string[];
  readonly #mode: SetMode;
  #at = 0;

  constructor(line: string, mode: SetMode) {
    this.#runes = [...line];
    this.#mode = mode;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#runes.length;
  }

  #until(stops: string): Piece {
    let text = '';
    while (!this.isAtEnd) {
      const rune = this.#runes[this.#at] ?? '';
      this.#at += 1;
      if (stops.includes(rune)) return { text, stop: rune };
      if (rune !== '\\') text += rune;
      else if (!this.isAtEnd) {
        text += this.#runes[this.#at] ?? '';
        this.#at += 1;
      }
    }
    return { text, stop: undefined };
  }

  key(values: GoMap, nesting: number): void {
    const { text: name, stop } = this.#until('=[,.');
    switch (stop) {
      case undefined:
        if (name === '') return;
        throw new Error(`key ${quote(name)} has no value`);
      case '[': {
        const before = values.entries.get(name);
        const index = this.#index();
        if (before !== undefined && !(before instanceof GoSlice))
          throw new Error('unable to parse key: interface conversion: interface {} is not []interface {}');
        set(values, name, new GoSlice(this.#item(before?.items ?? [], index, nesting)));
        return;
      }
      case '=':
        set(values, name, this.#value());
        return;
      case ',':
        set(values, name, '');
        throw new Error(`key ${quote(name)} has no value (cannot end with ,)`);
      default:
        this.#nestedKey(values, name, nesting + 1);
    }
  }

  #nestedKey(values: GoMap, name: string, nesting: number): void {
    if (nesting > MAX_NESTING) throw new Error(`value name nested level is greater than maximum supported nested level of ${MAX_NESTING}`);
    const before = values.entries.get(name);
    if (before !== undefined && !(before instanceof GoMap))
      throw new Error('unable to parse key: interface conversion: interface {} is not map[string]interface {}');
    const inner = before ?? new GoMap();
    const wasAtEnd = this.isAtEnd;
    this.key(inner, nesting);
    if (!wasAtEnd && inner.entries.size === 0) throw new Error(`key map ${quote(name)} has no value`);
    if (inner.entries.size > 0) set(values, name, inner);
  }

  #index(): number {
    const { text, stop } = this.#until(']');
    if (stop === undefined) throw new Error('error parsing index: EOF');
    if (!/^[-+]?\d+$/.test(text)) throw new Error(`error parsing index: strconv.Atoi: parsing ${quote(text)}: invalid syntax`);
    return Number(text);
  }

  #item(items: readonly GoValue[], index: number, nesting: number): readonly GoValue[] {
    if (index < 0) throw new Error(`negative ${index} index not allowed`);
    const { text, stop } = this.#until('[.=');
    if (text !== '') throw new Error(`unexpected data at end of array index: ${quote(text)}`);
    const before = items[index];
    if (stop === '=') return setIndex(items, index, this.#value());
    if (stop === '[') {
      const next = this.#index();
      if (before !== undefined && before !== null && !(before instanceof GoSlice))
        throw new Error('unable to parse key: interface conversion: interface {} is not []interface {}');
      return setIndex(items, index, new GoSlice(this.#item(before?.items ?? [], next, nesting)));
    }
    if (stop === undefined) return items;
    const inner = before instanceof GoMap ? before : new GoMap();
    this.key(inner, nesting);
    return setIndex(items, index, inner);
  }

  #value(): GoValue {
    if (this.#mode === 'json') return this.#json();
    if (this.isAtEnd) return '';
    if (this.#runes[this.#at] === '{') return this.#list();
    return this.#read(this.#until(',').text);
  }

  #read(text: string): GoValue {
    if (typeof this.#mode === 'function') return this.#mode(text);
    return this.#mode === 'typed' ? typedValue(text) : text;
  }

  #list(): GoSlice {
    this.#at += 1;
    const items: GoValue[] = [];
    for (;;) {
      const { text, stop } = this.#until(',}');
      if (stop === undefined) throw new Error("list must terminate with '}'");
      items.push(this.#read(text));
      if (stop === '}') break;
    }
    if (this.#runes[this.#at] === ',') this.#at += 1;
    return new GoSlice(items);
  }

  // Whether nothing but blanks stands before the next comma or the end; takes them then.
  #takesEmpty(): boolean {
    while (!this.isAtEnd) {
      const rune = this.#runes[this.#at] ?? '';
      if (rune !== ',' && rune.trim() !== '') return false;
      this.#at += 1;
      if (rune === ',') return true;
    }
    return true;
  }

  #json(): GoValue {
    if (this.#takesEmpty()) return null;
    const rest = this.#runes.slice(this.#at);
    const length = jsonLength(rest);
    const parsed: unknown = JSON.parse(rest.slice(0, length).join(''));
    this.#at += length;
    this.#takesEmpty();
    return fromJson(parsed);
  }
}

function set(values: GoMap, name: string, value: GoValue): void {
  if (name !== '') values.entries.set(name, value);
}

function setIndex(items: readonly GoValue[], index: number, value: GoValue): readonly GoValue[] {
  if (index > MAX_INDEX) throw new Error(`index of ${index} is greater than maximum supported index of ${MAX_INDEX}`);
  const grown = [...items];
  while (grown.length <= index) grown.push(null);
  grown[index] = value;
  return grown;
}

// How many runes the JSON value at the beginning takes.
function jsonLength(runes: readonly string[]): number {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < runes.length; index += 1) {
    const rune = runes[index] ?? '';
    if (inString) {
      if (rune === '\\') index += 1;
      else if (rune === '"') {
        inString = false;
        if (depth === 0) return index + 1;
      }
    } else if (rune === '"') inString = true;
    else if (rune === '{' || rune === '[') depth += 1;
    else if (rune === '}' || rune === ']') {
      depth -= 1;
      if (depth === 0) return index + 1;
    } else if (depth === 0 && rune === ',') return index;
  }
  return runes.length;
}
