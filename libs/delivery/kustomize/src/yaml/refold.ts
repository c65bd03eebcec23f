import { parseFirstDocument, YamlError } from '@tiphys/delivery-helm';

const INDENT = '  ';

/**
 * A folded text after it was written by go-yaml v3 and read again, which every object goes through on its way out. Where a line is
 * indented more than its neighbours the writer adds a break the reader keeps, so that such texts grow (go-yaml v3.0.3 emitterc.go).
 */
export function refold(text: string): string {
  if (!canFold(text)) return text;
  const written = `- >${hints(text)}\n${foldedLines(text)}\n`;
  try {
    const root = parseFirstDocument(written);
    const item = root?.kind === 'sequence' ? root.items[0] : undefined;
    return item?.kind === 'scalar' ? item.value : text;
  } catch (error) {
    if (error instanceof YamlError) return text;
    throw error;
  }
}

// Others are written in double quotes: texts with spaces before breaks or at the end, with characters that cannot be printed, of one line.
function canFold(text: string): boolean {
  // eslint-disable-next-line no-control-regex -- characters that may not stand in a block scalar
  return !/ \n|[ ]$|[\0-\x08\x0b-\x1f\x7f\u0085\u2028\u2029\ufeff\ud800-\udfff]/.test(text) && text !== '';
}

function hints(text: string): string {
  const indent = /^[ \n]/.test(text) ? String(INDENT.length) : '';
  const chomp = !text.endsWith('\n') ? '-' : text === '\n' || text.endsWith('\n\n') ? '+' : '';
  return indent + chomp;
}

function foldedLines(text: string): string {
  // The writer looks at the start of the whole text where it means the break at hand: as texts do not start with breaks, any
  // break that ends an unindented line is written twice, unless the text starts with a blank.
  const startsBlank = /^\n*(?:[ \t]|$)/.test(text);
  let out = '';
  let afterBreak = true;
  let isIndented = true;
  for (const character of text) {
    if (character === '\n') {
      if (!afterBreak && !isIndented && !startsBlank) out += '\n';
      out += '\n';
      afterBreak = true;
      continue;
    }
    if (afterBreak) {
      out += INDENT;
      isIndented = character === ' ' || character === '\t';
    }
    out += character;
    afterBreak = false;
  }
  return out;
}
