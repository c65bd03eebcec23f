import { isBlank, isBreak } from './cursor.ts';

/** Which styles can carry a scalar (libyaml's analysis, for block context). */
export interface ScalarAnalysis {
  readonly isMultiline: boolean;
  readonly allowsPlain: boolean;
  readonly allowsFlowPlain: boolean;
  readonly allowsSingle: boolean;
  readonly allowsBlock: boolean;
}

const EMPTY: ScalarAnalysis = { isMultiline: false, allowsPlain: true, allowsFlowPlain: false, allowsSingle: true, allowsBlock: false };
const SIMPLE: ScalarAnalysis = { isMultiline: false, allowsPlain: true, allowsFlowPlain: true, allowsSingle: true, allowsBlock: true };
const SIMPLE_TEXT = /^[A-Za-z0-9_./+$()=^~;<\\][A-Za-z0-9_./+$()=^~;<\\-]*$/;
const FIRST_INDICATORS = new Set([...'#,[]{}&*!|>\'"%@`'].map((c) => c.charCodeAt(0)));
const FLOW_INDICATORS = new Set([...',?[]{}'].map((c) => c.charCodeAt(0)));

/** Whether libyaml prints the character as it is; surrogates (anything beyond the BMP) are not. */
export function isPrintable(code: number): boolean {
  if (code < 0x7f) return code >= 0x20 || code === 10;
  return code >= 0xa0 && (code < 0xd800 || code > 0xdfff) && code !== 0xfeff && code !== 0xfffe && code !== 0xffff;
}

/** Analyses a scalar. With `tabsInBlocks` (go-yaml v3) a tab rules out plain and single quotes only. */
export function analyzeScalar(text: string, tabsInBlocks: boolean): ScalarAnalysis {
  if (text === '') return EMPTY;
  if (SIMPLE_TEXT.test(text)) return text.startsWith('...') ? { ...SIMPLE, allowsPlain: false, allowsFlowPlain: false } : SIMPLE;
  const spaces = analyzeSpaces(text);
  const indicators = analyzeIndicators(text);
  const special = hasSpecial(text, tabsInBlocks);
  const hasTab = tabsInBlocks && text.includes('\t');
  const isRagged = spaces.startsOrEndsBlank || spaces.breakThenSpace || spaces.spaceThenBreak || spaces.hasBreaks || special || hasTab;
  return {
    isMultiline: spaces.hasBreaks,
    allowsPlain: !isRagged && !indicators.block,
    allowsFlowPlain: !isRagged && !indicators.flow,
    allowsSingle: !(spaces.breakThenSpace || spaces.spaceThenBreak || special || hasTab),
    allowsBlock: !(spaces.endsWithSpace || spaces.spaceThenBreak || special),
  };
}

function hasSpecial(text: string, tabsInBlocks: boolean): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (!isPrintable(code) && !(tabsInBlocks && code === 9)) return true;
  }
  return false;
}

function analyzeSpaces(text: string): {
  readonly startsOrEndsBlank: boolean;
  readonly endsWithSpace: boolean;
  readonly breakThenSpace: boolean;
  readonly spaceThenBreak: boolean;
  readonly hasBreaks: boolean;
} {
  const kind = (index: number): 'space' | 'break' | undefined => {
    const code = text.charCodeAt(index);
    if (code === 32) return 'space';
    return isBreak(code) ? 'break' : undefined;
  };
  let hasBreaks = false;
  let breakThenSpace = false;
  let spaceThenBreak = false;
  let previous: 'space' | 'break' | undefined;
  for (let index = 0; index < text.length; index += 1) {
    const current = kind(index);
    if (current === 'break') hasBreaks = true;
    if (current === 'space' && previous === 'break') breakThenSpace = true;
    if (current === 'break' && previous === 'space') spaceThenBreak = true;
    previous = current;
  }
  const endsWithSpace = previous === 'space';
  return { startsOrEndsBlank: kind(0) !== undefined || previous !== undefined, endsWithSpace, breakThenSpace, spaceThenBreak, hasBreaks };
}

function analyzeIndicators(text: string): { readonly block: boolean; readonly flow: boolean } {
  let block = text.startsWith('---') || text.startsWith('...');
  let flow = block;
  let afterBlank = true;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    const beforeBlank = index + 1 >= text.length || isBlank(text.charCodeAt(index + 1));
    if (index === 0 && FIRST_INDICATORS.has(code)) block = flow = true;
    else if (code === 58 || (index === 0 && code === 63)) {
      flow = true;
      if (beforeBlank) block = true;
    } else if (index === 0 && code === 45 && beforeBlank) block = flow = true;
    else if (index > 0 && FLOW_INDICATORS.has(code)) flow = true;
    else if (code === 35 && afterBlank) block = flow = true;
    afterBlank = isBlank(code) || isBreak(code) || code === 0;
  }
  return { block, flow };
}
