import { matchesFormat } from '../openapi-format.ts';
import { REGEX, scale, TRAVERSAL } from '../estimate.ts';
import { overloads, type Overload } from '../overload.ts';
import { noSuchOverload } from '../problem.ts';
import { CelList, CelOptional, NONE, sizeOf, type CelOpaque, type CelValue } from '../value.ts';
import { constantCost, sizeAt } from './cost-rules.ts';

class CelFormat implements CelOpaque {
  readonly typeName = 'kubernetes.NamedFormat';
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  equals(other: CelValue): boolean {
    return other instanceof CelFormat && other.name === this.name;
  }
}

interface NamedFormat {
  /** Length of the regular expression the cost is that of. */
  readonly regexSize: number;
  readonly problems: (text: string) => readonly string[];
}

const LABEL_TEXT =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN_TEXT =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_1035_TEXT =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const NAME_PART_TEXT =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE_TEXT =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

function rule(pattern: RegExp, complaint: string, max: number): NamedFormat['problems'] {
  return (text) => [...(text.length > max ? [`must be no more than ${max} characters`] : []), ...(pattern.test(text) ? [] : [complaint])];
}

const label = rule(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, LABEL_TEXT, 63);
const subdomain = rule(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/, SUBDOMAIN_TEXT, 253);
const label1035 = rule(/^[a-z]([-a-z0-9]*[a-z0-9])?$/, LABEL_1035_TEXT, 63);

// A prefix of a generated name may end in a hyphen (apimachinery api/validation/generic.go maskTrailingDash).
const prefix =
  (full: NamedFormat['problems']): NamedFormat['problems'] =>
  (text) =>
    full(text.length > 1 && text.endsWith('-') ? `${text.slice(0, -1)}a` : text);

function qualifiedName(text: string): readonly string[] {
  const parts = text.split('/');
  if (parts.length > 2)
    return [`a qualified name ${NAME_PART_TEXT.slice('name part '.length)} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  const name = parts.at(-1) ?? '';
  const domain =
    parts.length === 2 ? (parts[0] === '' ? ['prefix part must be non-empty'] : subdomain(parts[0] ?? '').map((text_) => `prefix part ${text_}`)) : [];
  const own = name === '' ? ['name part must be non-empty'] : name.length > 63 ? ['name part must be no more than 63 characters'] : [];
  return [...domain, ...own, ...(/^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/.test(name) ? [] : [NAME_PART_TEXT])];
}

function openApi(name: string, complaint: string): NamedFormat['problems'] {
  return (text) => (matchesFormat(name, text) ? [] : [complaint.replace('%', JSON.stringify(text))]);
}

// Sizes are those of the regular expressions upstream counts for them.
const FORMATS: Readonly<Record<string, NamedFormat>> = {
  dns1123Label: { regexSize: 30, problems: label },
  dns1123Subdomain: { regexSize: 60, problems: subdomain },
  dns1035Label: { regexSize: 30, problems: label1035 },
  qualifiedName: { regexSize: 60, problems: qualifiedName },
  dns1123LabelPrefix: { regexSize: 30, problems: prefix(label) },
  dns1123SubdomainPrefix: { regexSize: 60, problems: prefix(subdomain) },
  dns1035LabelPrefix: { regexSize: 30, problems: prefix(label1035) },
  labelValue: { regexSize: 40, problems: rule(/^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/, LABEL_VALUE_TEXT, 63) },
  uri: { regexSize: 128, problems: openApi('uri', 'parse %: invalid URI for request') },
  uuid: { regexSize: 88, problems: openApi('uuid', 'does not match the UUID format') },
  byte: { regexSize: 84, problems: openApi('byte', 'invalid base64') },
  date: { regexSize: 85, problems: openApi('date', 'invalid date') },
  datetime: { regexSize: 85, problems: openApi('datetime', 'invalid datetime') },
};

const MAX_REGEX_SIZE = 128;

/** Kubernetes' named formats (apiserver pkg/cel/library/format.go). */
export const FORMATS_LIBRARY: readonly Overload[] = [
  ...Object.keys(FORMATS).flatMap((name) => overloads(`format.${name}`, ['(): Format'], () => new CelFormat(name))),
  ...overloads('format.named', ['(string): optional(Format)'], {
    ...constantCost(1),
    run: ([name]) => (Object.hasOwn(FORMATS, String(name)) ? new CelOptional(new CelFormat(String(name))) : NONE),
  }),
  ...overloads('validate', ['Format.(string): optional(list(string))'], {
    cost: ([format, text = '']) =>
      Math.ceil((1 + sizeOf(text)) * TRAVERSAL) * Math.ceil((format instanceof CelFormat ? (FORMATS[format.name]?.regexSize ?? 0) : 0) * REGEX),
    estimate: (args) => ({ cost: scale(scale(sizeAt(args, 1), TRAVERSAL), MAX_REGEX_SIZE * REGEX) }),
    run: ([format, text]) => {
      if (!(format instanceof CelFormat)) throw noSuchOverload();
      const problems = FORMATS[format.name]?.problems(String(text)) ?? [];
      return problems.length === 0 ? NONE : new CelOptional(new CelList([...problems]));
    },
  }),
];
