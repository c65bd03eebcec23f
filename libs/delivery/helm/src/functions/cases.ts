// Word splitting of huandu/xstrings, which Sprig's case functions use.
type WordKind = 'invalid' | 'number' | 'upper' | 'alphabet' | 'connector' | 'punct' | 'other';

interface Word {
  readonly kind: WordKind;
  readonly runes: readonly string[];
  readonly rest: readonly string[];
}

const SPACE = /^[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]$/;
const UPPER = /^\p{Lu}$/u;
const NUMBER = /^\p{N}$/u;
const PUNCT = /^\p{P}$/u;

/** Go's unicode.IsSpace. */
export function isSpace(rune: string): boolean {
  return SPACE.test(rune);
}

/** Go's unicode.IsUpper. */
export function isUpper(rune: string): boolean {
  return UPPER.test(rune);
}

/** Go's strings.ToUpper: rune by rune, so nothing grows. */
export function toUpper(text: string): string {
  return mapRunes(text, (rune) => rune.toUpperCase());
}

/** Go's strings.ToLower. */
export function toLower(text: string): string {
  return mapRunes(text, (rune) => rune.toLowerCase());
}

function mapRunes(text: string, change: (rune: string) => string): string {
  let out = '';
  for (const rune of text) {
    const changed = change(rune);
    out += [...changed].length === 1 ? changed : rune;
  }
  return out;
}

function isConnector(rune: string): boolean {
  return rune === '-' || rune === '_' || isSpace(rune);
}

function isAlphabet(rune: string): boolean {
  return /^\p{L}$/u.test(rune) && !/^[\u3034-\u30ff\u3400-\u4dbf\u4e00-\u9fff]$/.test(rune);
}

/** xstrings.ToPascalCase. */
export function pascalCase(text: string): string {
  const runes = [...text];
  let out = '';
  let at = 0;
  while (at < runes.length && isConnector(runes[at] ?? '')) {
    out += runes[at];
    at += 1;
  }
  if (at >= runes.length) return out;
  const first = runes[at] ?? '';
  let wasUpper = isUpper(first);
  let current = toUpper(first);
  for (at += 1; at < runes.length; at += 1) {
    const previous = current;
    current = runes[at] ?? '';
    if (isConnector(current) && isConnector(previous)) {
      out += previous;
    } else if (isConnector(previous)) {
      wasUpper = isUpper(current);
      current = toUpper(current);
    } else {
      if (wasUpper && isUpper(current)) current = toLower(current);
      else wasUpper = false;
      out += previous;
    }
  }
  return out + current;
}

/** xstrings.ToSnakeCase and ToKebabCase. */
export function joinWords(text: string, connector: string): string {
  let out = '';
  let word = nextWord([...text]);
  const write = (written: Word): void => {
    out += lowered(written, connector);
  };
  const separate = (): void => {
    if (word.kind !== 'invalid' && word.kind !== 'connector' && word.kind !== 'punct') out += connector;
  };
  const run = (): void => {
    while (word.kind === 'alphabet' || word.kind === 'number') {
      write(word);
      word = nextWord(word.rest);
    }
    separate();
  };
  while (word.rest.length > 0) {
    if (word.kind !== 'connector') write(word);
    const previous = word;
    word = nextWord(word.rest);
    if (previous.kind === 'number') run();
    else if (previous.kind === 'connector') write(previous);
    else if (previous.kind === 'punct') continue;
    else if (word.kind !== 'number') {
      if (word.kind !== 'connector' && word.kind !== 'punct') out += connector;
    } else if (word.rest.length > 0) {
      const number = word;
      word = nextWord(word.rest);
      if (word.kind === 'alphabet') {
        out += connector;
        write(number);
        run();
      } else {
        write(number);
        if (word.kind !== 'connector' && word.kind !== 'punct') out += connector;
      }
    }
  }
  write(word);
  return out;
}

function lowered(word: Word, connector: string): string {
  if (word.kind !== 'upper' && word.kind !== 'connector') return word.runes.join('');
  return word.runes.map((rune) => (isConnector(rune) ? connector : isUpper(rune) ? toLower(rune) : rune)).join('');
}

function nextWord(runes: readonly string[]): Word {
  const first = runes[0];
  if (first === undefined) return { kind: 'invalid', runes: [], rest: [] };
  const take = (kind: WordKind, end: number): Word => ({ kind, runes: runes.slice(0, end), rest: runes.slice(end) });
  const span = (start: number, test: (rune: string) => boolean): number => {
    let end = start;
    while (end < runes.length && test(runes[end] ?? '')) end += 1;
    return end;
  };
  const lowerLetters = (rune: string): boolean => isAlphabet(rune) && !isUpper(rune);
  if (isConnector(first)) return take('connector', span(1, isConnector));
  if (PUNCT.test(first)) return take('punct', span(1, (rune) => PUNCT.test(rune)));
  if (isUpper(first)) {
    const capitals = span(1, isUpper);
    if (capitals === 1) return take('upper', span(1, lowerLetters));
    // "HTTPStatus" is "HTTP" and "Status": the last capital belongs to what follows.
    return take('upper', capitals < runes.length && isAlphabet(runes[capitals] ?? '') ? capitals - 1 : capitals);
  }
  if (isAlphabet(first)) return take('alphabet', span(1, lowerLetters));
  if (NUMBER.test(first)) return take('number', span(1, (rune) => NUMBER.test(rune)));
  return take('other', span(1, (rune) => !isConnector(rune) && !isAlphabet(rune) && !NUMBER.test(rune) && !PUNCT.test(rune)));
}
