// The alphabet of generated names has no vowels and no look-alikes (apimachinery util/rand).
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';
const SUFFIX_LENGTH = 5;
const MAX_BASE_LENGTH = 58;

/** A name made from `metadata.generateName`: the base cut to 58 characters and five random ones. `random` yields [0, 1). */
export function generateName(base: string, random: () => number): string {
  return base.slice(0, MAX_BASE_LENGTH) + randomSuffix(SUFFIX_LENGTH, random);
}

/** Random characters of the alphabet of generated names. */
export function randomSuffix(length: number, random: () => number): string {
  return Array.from({ length }, () => ALPHABET[Math.floor(random() * ALPHABET.length)]).join('');
}

/** Writes a number's decimal digits in the alphabet of generated names (apimachinery rand.SafeEncodeString). */
export function safeEncode(text: string): string {
  return [...text].map((char) => ALPHABET[char.charCodeAt(0) % ALPHABET.length]).join('');
}

/** FNV-1a, 32 bits, over UTF-8: the hash behind pod-template-hash and friends. */
export function fnv32a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return hash;
}

/** RFC 1123 label, at most 63 characters: names of namespaces, Services and containers. */
export function isDnsLabel(name: string): boolean {
  return name.length <= 63 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name);
}

/** RFC 1123 subdomain, at most 253 characters: names of most objects. */
export function isDnsSubdomain(name: string): boolean {
  return name.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(name);
}
