import { createHash, createPublicKey, sign, type KeyObject, X509Certificate } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
import { fromBytes } from '../go/text.ts';
import { typeOf } from '../go/type-names.ts';
import { GoObject, type GoValue } from '../go/value.ts';
import { GoError } from '../template/errors.ts';
import type { FunctionContext, TemplateFunction } from '../template/function-table.ts';
import { asInt, asString, define, itemsOf, type FunctionGroup } from './define.ts';
import { der, integer, objectId, pem, readElements, sequence, time } from './der.ts';
import { decodeBase64 } from './encoding.ts';
import { generatedKeyText, newRsaKey, parsePrivateKey, privateKeyText } from './private-keys.ts';

const CERTIFICATE = 'sprig.certificate';
const DAY_MS = 86_400_000;
/** Making a key costs about as much as this many template steps write. */
const KEY_COST = 5_000_000;

/** Sprig's keys and certificates. */
export const certificates: FunctionGroup = {
  genPrivateKey: define('string', ([kind], context) => {
    note('genPrivateKey', context);
    return generatedKeyText(asString(kind));
  }),
  buildCustomCert: define('string, string', ([cert, key]) => customCertificate(asString(cert), asString(key))),
  ...twins('genCA', 'string, int', ([name, days]) => ({ name: asString(name), ips: [], dnsNames: [], days: asInt(days), isCa: true, issuer: undefined })),
  ...twins('genSelfSignedCert', 'string, list, list, int', ([name, ips, dns, days]) => ({ ...leaf(name, ips, dns, days), issuer: undefined })),
  ...twins('genSignedCert', `string, list, list, int, ${CERTIFICATE}`, ([name, ips, dns, days, ca]) => ({
    ...leaf(name, ips, dns, days),
    issuer: authorityOf(ca),
  })),
};

interface Authority {
  readonly certificate: string;
  readonly key: string;
}

interface Request {
  readonly name: string;
  readonly ips: readonly string[];
  readonly dnsNames: readonly string[];
  readonly days: number;
  readonly isCa: boolean;
  readonly issuer: Authority | undefined;
}

// Each function has a twin that takes the private key instead of making one.
function twins(name: string, signature: string, read: (args: readonly GoValue[]) => Request): Record<string, TemplateFunction> {
  return {
    [name]: define(signature, (args, context) => {
      const request = read(args);
      note(name, context);
      return issue(request, newRsaKey(2048), context);
    }),
    [`${name}WithKey`]: define(`${signature}, string`, (args, context) => {
      const request = read(args);
      note(name, context);
      return issue(request, keyOrFail(asString(args.at(-1))), context);
    }),
  };
}

function note(name: string, context: FunctionContext): void {
  context.spend(KEY_COST);
  context.environment.onNonDeterminism?.(name);
}

function keyOrFail(text: string): KeyObject {
  try {
    return parsePrivateKey(text);
  } catch (error) {
    throw new GoError(`parsing private key: ${error instanceof Error ? error.message : ''}`, { cause: error });
  }
}

function leaf(name: GoValue | undefined, ips: GoValue | undefined, dns: GoValue | undefined, days: GoValue | undefined): Omit<Request, 'issuer'> {
  return { name: asString(name), ips: texts(ips, 'ip').map(checkIp), dnsNames: texts(dns, 'alternate dns name'), days: asInt(days), isCa: false };
}

function texts(value: GoValue | undefined, what: string): string[] {
  return (itemsOf(value) ?? []).map((item) => {
    if (typeof item === 'string') return item;
    throw new GoError(`error parsing ${what}: ${item === null ? '<nil>' : typeOf(item)} is not a string`);
  });
}

function checkIp(text: string): string {
  if (isIPv4(text) || isIPv6(text)) return text;
  throw new GoError(`error parsing ip: ${text}`);
}

function authorityOf(value: GoValue | undefined): Authority {
  const fields = value instanceof GoObject ? value.fields : {};
  return { certificate: asString(fields['Cert']), key: asString(fields['Key']) };
}

function certificateValue(certificate: string, key: string): GoObject {
  return new GoObject({ typeName: CERTIFICATE, fields: { Cert: certificate, Key: key } });
}

function customCertificate(cert: string, key: string): GoObject {
  const certBytes = decodeBase64(cert);
  if (typeof certBytes === 'string') throw new GoError('unable to decode base64 certificate');
  const keyBytes = decodeBase64(key);
  if (typeof keyBytes === 'string') throw new GoError('unable to decode base64 private key');
  const certText = fromBytes(certBytes);
  if (!certText.includes('-----BEGIN ')) throw new GoError('unable to decode certificate');
  try {
    void new X509Certificate(certText);
  } catch (error) {
    throw new GoError(`error parsing certificate: decodedCert.Bytes: ${error instanceof Error ? error.message : ''}`, { cause: error });
  }
  const keyText = fromBytes(keyBytes);
  try {
    parsePrivateKey(keyText);
  } catch (error) {
    throw new GoError(`error parsing private key: ${error instanceof Error ? error.message : ''}`, { cause: error });
  }
  return certificateValue(certText, keyText);
}

interface Signer {
  readonly key: KeyObject;
  readonly subject: Uint8Array;
  readonly keyId: Uint8Array | undefined;
}

function issue(request: Request, key: KeyObject, context: FunctionContext): GoObject {
  const subject = distinguishedName(request.name);
  const signer = request.issuer === undefined ? { key, subject, keyId: undefined } : signerOf(request.issuer);
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const algorithm = signatureAlgorithm(signer.key);
  const nowMs = context.environment.nowMs();
  const serial = Buffer.from(context.environment.randomBytes(16));
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    integer(serial),
    algorithm,
    signer.subject,
    sequence(time(nowMs), time(nowMs + request.days * DAY_MS)),
    subject,
    spki,
    der(0xa3, sequence(...extensions(request, spki, signer))),
  );
  const signature = sign(signer.key.asymmetricKeyType === 'ed25519' ? null : 'sha256', body, signer.key);
  const certificate = sequence(body, algorithm, der(0x03, Buffer.from([0]), signature));
  return certificateValue(pem('CERTIFICATE', certificate), privateKeyText(key));
}

function signerOf(authority: Authority): Signer {
  if (!authority.certificate.includes('-----BEGIN ')) throw new GoError('unable to decode certificate');
  const key = keyOrFail(authority.key);
  let raw: Uint8Array;
  try {
    raw = new X509Certificate(authority.certificate).raw;
  } catch (error) {
    throw new GoError(`error parsing certificate: ${error instanceof Error ? error.message : ''}`, { cause: error });
  }
  const [body] = readElements(readElements(raw)[0]?.content ?? raw);
  const fields = readElements(body?.content ?? raw).filter((field) => field.tag !== 0xa0);
  const known = readElements(readElements(fields.find((field) => field.tag === 0xa3)?.content ?? new Uint8Array())[0]?.content ?? new Uint8Array());
  const keyId = known
    .map((extension) => readElements(extension.content))
    .find(([id]) => id !== undefined && Buffer.compare(id.raw, objectId('2.5.29.14')) === 0);
  const octets = keyId?.at(-1)?.content;
  return { key, subject: fields[4]?.raw ?? new Uint8Array(), keyId: octets === undefined ? undefined : readElements(octets)[0]?.content };
}

function distinguishedName(name: string): Buffer {
  const printable = /^[A-Za-z0-9 '()+,./:=?-]*$/.test(name);
  return sequence(der(0x31, sequence(objectId('2.5.4.3'), der(printable ? 0x13 : 0x0c, Buffer.from(name)))));
}

function signatureAlgorithm(key: KeyObject): Buffer {
  if (key.asymmetricKeyType === 'rsa') return sequence(objectId('1.2.840.113549.1.1.11'), der(0x05));
  return sequence(objectId(key.asymmetricKeyType === 'ec' ? '1.2.840.10045.4.3.2' : '1.3.101.112'));
}

const CRITICAL = der(0x01, Buffer.from([0xff]));

function extension(id: string, value: Uint8Array, isCritical = false): Buffer {
  return sequence(objectId(id), ...(isCritical ? [CRITICAL] : []), der(0x04, value));
}

function extensions(request: Request, spki: Uint8Array, signer: Signer): Buffer[] {
  const usage = request.isCa ? Buffer.from([2, 0xa4]) : Buffer.from([5, 0xa0]);
  const list = [
    extension('2.5.29.15', der(0x03, usage), true),
    extension('2.5.29.37', sequence(objectId('1.3.6.1.5.5.7.3.1'), objectId('1.3.6.1.5.5.7.3.2'))),
    extension('2.5.29.19', request.isCa ? sequence(CRITICAL) : sequence(), true),
  ];
  if (request.isCa) list.push(extension('2.5.29.14', der(0x04, subjectKeyId(spki))));
  if (signer.keyId !== undefined) list.push(extension('2.5.29.35', sequence(der(0x80, signer.keyId))));
  const names = [...request.dnsNames.map((name) => der(0x82, Buffer.from(name))), ...request.ips.map((ip) => der(0x87, ipBytes(ip)))];
  if (names.length > 0) list.push(extension('2.5.29.17', sequence(...names)));
  return list;
}

function subjectKeyId(spki: Uint8Array): Buffer {
  const bits = readElements(readElements(spki)[0]?.content ?? spki)[1]?.content ?? spki;
  return createHash('sha256').update(bits.subarray(1)).digest().subarray(0, 20);
}

function ipBytes(ip: string): Buffer {
  if (isIPv4(ip)) return Buffer.from(ip.split('.').map(Number));
  const dotted = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(ip);
  const bare =
    dotted === null
      ? ip
      : ip.replace(dotted[0], `${((Number(dotted[1]) << 8) | Number(dotted[2])).toString(16)}:${((Number(dotted[3]) << 8) | Number(dotted[4])).toString(16)}`);
  const [head = '', tail] = bare.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const middle = Array.from({ length: tail === undefined ? 0 : 8 - left.length - right.length }, () => '0');
  return Buffer.from([...left, ...middle, ...right].flatMap((part) => [Number.parseInt(part, 16) >> 8, Number.parseInt(part, 16) & 0xff]));
}
