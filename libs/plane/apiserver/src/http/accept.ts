import { statusError } from '@tiphys/kube-model';

/** The format a body travels in. */
export type Encoding = 'json' | 'yaml' | 'protobuf';

/** The form an answer takes. */
export interface Representation {
  readonly as: 'object' | 'table' | 'metadata' | 'discovery';
  /** Version of the target form: `v1` or `v1beta1` of meta.k8s.io, `v2` or `v2beta1` of aggregated discovery. */
  readonly version: string;
  readonly encoding: Encoding;
}

/** What a request can be answered with. */
export interface Offer {
  readonly forms: readonly Representation['as'][];
  /** Encodings of whole objects; the other forms have all three, except that a Table has no protobuf. */
  readonly encodings: readonly Encoding[];
}

interface Clause {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly q: number;
}

/** The encodings of a built-in kind, in the order of preference. */
export const ALL_ENCODINGS: readonly Encoding[] = ['json', 'yaml', 'protobuf'];
/** The encodings of a custom resource, which has no message. */
export const TEXT_ENCODINGS: readonly Encoding[] = ['json', 'yaml'];

/** The media type of each encoding. */
export const MEDIA_TYPES: Readonly<Record<Encoding, string>> = {
  json: 'application/json',
  yaml: 'application/yaml',
  protobuf: 'application/vnd.kubernetes.protobuf',
};

/** Every media type in the words of errors. */
export const MEDIA_TYPE_LIST: string = ALL_ENCODINGS.map((encoding) => MEDIA_TYPES[encoding]).join(', ');

// Higher q first; then a named type before a wildcard; then as the client wrote them.
function parseAccept(header: string | undefined): readonly Clause[] {
  if (header === undefined || header.trim() === '') return [{ type: '*/*', parameters: new Map(), q: 1 }];
  const wildcards = (type: string): number => (type === '*/*' ? 2 : type.endsWith('/*') ? 1 : 0);
  return header
    .split(',')
    .map((text): Clause => {
      const [type = '', ...rest] = text.split(';').map((part) => part.trim());
      const parameters = new Map(rest.map((part) => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)] as const));
      return { type: type.toLowerCase(), parameters, q: qualityOf(parameters.get('q')) };
    })
    .filter(({ q }) => q > 0)
    .toSorted((a, b) => b.q - a.q || wildcards(a.type) - wildcards(b.type));
}

function qualityOf(text: string | undefined): number {
  const q = Number(text ?? 1);
  return Number.isNaN(q) ? 1 : q;
}

/** Chooses the form and encoding of an answer. Throws 406 when the client takes none the server has. */
export function chooseRepresentation(header: string | undefined, offer: Offer): Representation {
  for (const { type, parameters } of parseAccept(header)) {
    for (const encoding of ALL_ENCODINGS) {
      if (!matches(type, encoding)) continue;
      const chosen = formOf(parameters, encoding, offer);
      if (chosen !== undefined) return chosen;
    }
  }
  throw statusError('NotAcceptable', `only the following media types are accepted: ${MEDIA_TYPE_LIST}`);
}

/** The encoding a value of no particular form is sent in: errors and small answers, which fall back to JSON. */
export function chooseEncoding(header: string | undefined): Encoding {
  for (const { type } of parseAccept(header)) {
    const found = ALL_ENCODINGS.find((encoding) => matches(type, encoding));
    if (found !== undefined) return found;
  }
  return 'json';
}

function matches(type: string, encoding: Encoding): boolean {
  return type === '*/*' || type === 'application/*' || type === MEDIA_TYPES[encoding];
}

function formOf(parameters: ReadonlyMap<string, string>, encoding: Encoding, offer: Offer): Representation | undefined {
  const target = parameters.get('as');
  const version = parameters.get('v') ?? '';
  if (target === undefined) return offer.encodings.includes(encoding) ? { as: 'object', version: '', encoding } : undefined;
  const as = targetOf(target, parameters.get('g'), version);
  if (as === undefined || !offer.forms.includes(as)) return undefined;
  if (encoding === 'protobuf' && as !== 'metadata') return undefined;
  return { as, version, encoding };
}

function targetOf(target: string, group: string | undefined, version: string): Representation['as'] | undefined {
  if (target === 'APIGroupDiscoveryList' && group === 'apidiscovery.k8s.io') return version === 'v2' || version === 'v2beta1' ? 'discovery' : undefined;
  if (group !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) return undefined;
  return target === 'Table' ? 'table' : target === 'PartialObjectMetadata' || target === 'PartialObjectMetadataList' ? 'metadata' : undefined;
}
