import { FailError, type TemplateExecError } from '../template/errors.ts';
import type { HelmCompat } from '../chart/load-chart.ts';

/** A parse error as Helm prints it. */
export function parseErrorText(file: string, message: string): string {
  const tokens = message.split(': ');
  return tokens.length === 1 ? `parse error in (${file}): ${message}` : `parse error at (${tokens[1] ?? ''}): ${tokens.at(-1) ?? ''}`;
}

/** An execution error as Helm prints it: `fail` and `required` at the outermost call, others as a chain of places. */
export function execErrorText(file: string, error: TemplateExecError, compat: HelmCompat): string {
  const { message } = error;
  const first = message.indexOf(': ');
  const second = message.indexOf(': ', first + 2);
  if (first < 0 || second < 0) return `execution error in (${file}): ${message}`;
  const failed = failureIn(error);
  if (failed !== undefined) return `execution error at (${message.slice(first + 2, second)}): ${failed.message}`;
  return compat === 'helm3' ? message : (chainText(error) ?? message);
}

function failureIn(error: unknown): FailError | undefined {
  for (let link = error; link instanceof Error; link = link.cause) if (link instanceof FailError) return link;
  return undefined;
}

// Undefined as soon as a link of the chain is not an error of text/template: then Helm prints the raw text.
function chainText(error: TemplateExecError): string | undefined {
  const places: string[] = [];
  for (let link: unknown = error; link instanceof Error; link = link.cause) {
    const place = placeText(link.message);
    if (place === undefined) return undefined;
    if (places.at(-1) !== place) places.push(place);
  }
  return places.join('').trim();
}

function untilNested(message: string): string {
  const cut = message.indexOf(' template:');
  return cut < 0 ? message : message.slice(0, cut);
}

function placeText(message: string): string | undefined {
  const prefix = 'template: ';
  if (!message.startsWith(prefix)) return undefined;
  const rest = message.slice(prefix.length);
  if (rest.startsWith('no template ')) return `${message}\n`;
  return executingText(rest) ?? simpleText(rest);
}

function executingText(rest: string): string | undefined {
  const parts = /^(.*?): executing "([^"]*)" at <(.*?)>: (.*)$/su.exec(rest);
  if (parts === null) return undefined;
  const [, place = '', template = '', node = '', message = ''] = parts;
  return `${place}\n  executing "${template}" at <${node}>:\n    ${untilNested(message)}\n`;
}

function simpleText(rest: string): string | undefined {
  const at = rest.lastIndexOf(': ');
  if (at < 0) return undefined;
  return `${rest.slice(0, at)}\n  ${untilNested(rest.slice(at + 2))}\n`;
}
