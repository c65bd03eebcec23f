// DER of the attribute type organizationName (2.5.4.10).
const ORGANIZATION = Buffer.from([0x06, 0x03, 0x55, 0x04, 0x0a]);
const LONG_FORM = 0x80;

/** The organizations a PKCS#10 request in PEM asks to be of: the values of every organizationName in it. */
export function organizationsOf(pem: string): readonly string[] {
  const [, body = ''] = /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([\s\S]*?)-----END/.exec(pem) ?? [];
  const der = Buffer.from(body.replace(/\s/g, ''), 'base64');
  const found: string[] = [];
  for (let at = der.indexOf(ORGANIZATION); at >= 0; at = der.indexOf(ORGANIZATION, at + 1)) {
    // The attribute's value follows its type: one tag of a string, its length, its bytes.
    const length = lengthAt(der, at + ORGANIZATION.length + 1);
    if (length !== undefined) found.push(der.subarray(length.end, length.end + length.value).toString('utf8'));
  }
  return found;
}

function lengthAt(der: Buffer, at: number): { readonly value: number; readonly end: number } | undefined {
  const first = der[at];
  if (first === undefined) return undefined;
  if (first < LONG_FORM) return { value: first, end: at + 1 };
  const bytes = der.subarray(at + 1, at + 1 + (first - LONG_FORM));
  return { value: bytes.reduce((sum, byte) => sum * 256 + byte, 0), end: at + 1 + bytes.length };
}
