// Word splitting of huandu/xstrings, which Sprig's case functions use.
type WordKind = 'invalid' | 'number' | 'upper' | 'alphabet' | 'connector' | 'punct' | 'other';

interface Word {
  readonly kind: WordKind;
  readonly runes: readonly string[];
  /** Where the next word starts. */
  readonly end: number;
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
  const runes = [...text];
  let out = '';
  let word = nextWord(runes, 0);
  const write = (written: Word): void => {
    out += lowered(written, connector);
  };
  const separate = (): void => {
    if (word.kind !== 'invalid' && word.kind !== 'connector' && word.kind !== 'punct') out += connector;
  };
  const run = (): void => {
    while (word.kind === 'alphabet' || word.kind === 'number') {
      write(word);
      word = nextWord(runes, word.end);
    }
    separate();
  };
  while (word.end < runes.length) {
    if (word.kind !== 'connector') write(word);
    const previous = word;
    word = nextWord(runes, word.end);
    if (previous.kind === 'number') run();
    else if (previous.kind === 'connector') write(previous);
    else if (previous.kind === 'punct') continue;
    else if (word.kind !== 'number') {
      if (word.kind !== 'connector' && word.kind !== 'punct') out += connector;
    } else if (word.end < runes.length) {
      const number = word;
      word = nextWord(runes, word.end);
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

function nextWord(runes: readonly string[], start: number): Word {
  const first = runes[start];
  if (first === undefined) return { kind: 'invalid', runes: [], end: start };
  const take = (kind: WordKind, end: number): Word => ({ kind, runes: runes.slice(start, end), end });
  const span = (test: (rune: string) => boolean): number => {
    let end = start + 1;
    while (end < runes.length && test(runes[end] ?? '')) end += 1;
    return end;
  };
  const lowerLetters = (rune: string): boolean => isAlphabet(rune) && !isUpper(rune);
  if (isConnector(first)) return take('connector', span(isConnector));
  if (PUNCT.test(first))
    return take(
      'punct',
      span((rune) => PUNCT.test(rune)),
    );
  if (isUpper(first)) {
    const capitals = span(isUpper);
    if (capitals === start + 1) return take('upper', span(lowerLetters));
    // "HTTPStatus" is "HTTP" and "Status": the last capital belongs to what follows.
    return take('upper', capitals < runes.length && isAlphabet(runes[capitals] ?? '') ? capitals - 1 : capitals);
  }
  if (isAlphabet(first)) return take('alphabet', span(lowerLetters));
  if (NUMBER.test(first))
    return take(
      'number',
      span((rune) => NUMBER.test(rune)),
    );
  return take(
    'other',
    span((rune) => !isConnector(rune) && !isAlphabet(rune) && !NUMBER.test(rune) && !PUNCT.test(rune)),
  );
}
