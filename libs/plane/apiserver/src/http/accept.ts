import { statusError } from '@tiphys/kube-model';

/** The form an answer takes. */
export interface Representation {
  readonly as: 'object' | 'table' | 'metadata' | 'discovery';
  /** Version of the target form: `v1` or `v1beta1` of meta.k8s.io, `v2` or `v2beta1` of aggregated discovery. */
  readonly version: string;
}

interface Clause {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly q: number;
}

const OBJECT: Representation = { as: 'object', version: '' };

/** Clauses of an Accept header, by preference. */
function parseAccept(header: string | undefined): readonly Clause[] {
  if (header === undefined || header.trim() === '') return [{ type: '*/*', parameters: new Map(), q: 1 }];
  return header
    .split(',')
    .map((text): Clause => {
      const [type = '', ...rest] = text.split(';').map((part) => part.trim());
      const parameters = new Map(rest.map((part) => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)] as const));
      return { type: type.toLowerCase(), parameters, q: Number(parameters.get('q') ?? 1) };
    })
    .toSorted((a, b) => b.q - a.q);
}

/** Chooses the form of an object or list. Throws 406 when the client takes none the server has. */
export function chooseRepresentation(header: string | undefined, allowed: readonly Representation['as'][]): Representation {
  for (const { type, parameters } of parseAccept(header)) {
    if (!isJson(type)) continue;
    const target = parameters.get('as');
    const version = parameters.get('v') ?? '';
    if (target === undefined) return OBJECT;
    const as = formOf(target, parameters.get('g'));
    if (as !== undefined && allowed.includes(as) && (as !== 'discovery' || version === 'v2' || version === 'v2beta1')) return { as, version };
  }
  throw statusError('NotAcceptable', `only the following media types are accepted: application/json, application/yaml`);
}

function isJson(type: string): boolean {
  return type === 'application/json' || type === '*/*' || type === 'application/*';
}

function formOf(target: string, group: string | undefined): Representation['as'] | undefined {
  if (target === 'APIGroupDiscoveryList' && group === 'apidiscovery.k8s.io') return 'discovery';
  if (group !== 'meta.k8s.io') return undefined;
  return target === 'Table' ? 'table' : target === 'PartialObjectMetadata' || target === 'PartialObjectMetadataList' ? 'metadata' : undefined;
}
