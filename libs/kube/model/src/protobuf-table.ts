import { DomainError } from '@tiphys/kernel';
import { PROTOBUF_LINES } from './generated/protobuf.ts';
import { parseApiVersion } from './object.ts';

/** A body that is not the protobuf form of a Kubernetes object, or an object that has none. */
export class ProtobufError extends DomainError<
  { readonly code: 'malformed' } | { readonly code: 'unknownKind'; readonly apiVersion: string; readonly kind: string }
> {
  override readonly name = 'ProtobufError';
}

/** A field of a message. An `inlined` message is a struct Go embeds: its fields stand in the parent's JSON. */
export interface FieldRow {
  readonly number: number;
  /** The name in JSON. */
  readonly name: string;
  readonly type: string;
  readonly form: 'one' | 'list' | 'map' | 'inlined';
}

/** Prefix of the messages of meta.k8s.io. */
export const META = '~m.v1.';
/** Prefix of the messages of apiextensions.k8s.io. */
export const CRD = '~apiextensions_apiserver.pkg.apis.apiextensions.v1.';
/** The envelope's message. */
export const UNKNOWN = '~apimachinery.pkg.runtime.Unknown';
/** An embedded object of any kind. */
export const RAW_EXTENSION = '~apimachinery.pkg.runtime.RawExtension';
export const QUANTITY = '~apimachinery.pkg.api.resource.Quantity';
export const INT_OR_STRING = '~apimachinery.pkg.util.intstr.IntOrString';

/** The envelope's first four bytes; runtime.Unknown follows (apimachinery runtime/serializer/protobuf). */
export const MAGIC: readonly number[] = [0x6b, 0x38, 0x73, 0x00];

// Kinds that travel under the version of the resource they are for, but whose message is meta's.
const META_KINDS = /^((Create|Update|Patch|Delete|List|Get|Apply)Options|Status|WatchEvent|API(Versions|Group|GroupList|ResourceList))$/;
// Groups whose folder is not the first part of their name.
const FOLDERS: Readonly<Record<string, string>> = { '': 'core', 'internal.apiserver.k8s.io': 'apiserverinternal' };

/** The message of a kind; undefined when it has no protobuf form, as custom resources. */
export function messageName(apiVersion: string, kind: string): string | undefined {
  const { group, version } = parseApiVersion(apiVersion);
  if (META_KINDS.test(kind)) return `${META}${kind}`;
  // Both versions of meta.k8s.io share the message of one object.
  if (group === 'meta.k8s.io') return [`~m.${version}.${kind}`, `${META}${kind}`].find((name) => lines().has(name));
  const candidates = [
    `~a.${FOLDERS[group] ?? group.split('.')[0]}.${version}.${kind}`,
    `~apiextensions_apiserver.pkg.apis.apiextensions.${version}.${kind}`,
    `~kube_aggregator.pkg.apis.apiregistration.${version}.${kind}`,
  ];
  return candidates.find((name) => lines().has(name));
}

let table: ReadonlyMap<string, string> | undefined;
const parsed = new Map<string, readonly FieldRow[]>();

// Lines are split at first use and parsed one by one: a process touches few of the messages.
function lines(): ReadonlyMap<string, string> {
  table ??= new Map(
    PROTOBUF_LINES.split('\n')
      .filter((line) => line !== '')
      .map((line) => [line.slice(0, line.indexOf(' ')), line]),
  );
  return table;
}

/** The fields of a message by ascending number. */
export function fieldsOf(message: string): readonly FieldRow[] {
  const known = parsed.get(message);
  if (known !== undefined) return known;
  const fields = (lines().get(message) ?? '')
    .split(' ')
    .slice(1)
    .filter((text) => text !== '')
    .map(parseField)
    .toSorted((a, b) => a.number - b.number);
  parsed.set(message, fields);
  return fields;
}

const FORMS: Readonly<Record<string, FieldRow['form']>> = { r: 'list', m: 'map', i: 'inlined' };

function parseField(text: string): FieldRow {
  const [number = '', name = '', type = '', form = ''] = text.split(':');
  return { number: Number(number), name, type, form: FORMS[form] ?? 'one' };
}
