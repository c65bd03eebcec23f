/**
 * Orders two resourceVersions of one resource as KEP-5504 allows: positive decimals without leading zeros compare as
 * integers. Undefined when either is not of that form, and then nothing may be concluded.
 */
export function compareResourceVersions(a: string, b: string): number | undefined {
  if (!isComparable(a) || !isComparable(b)) return undefined;
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

function isComparable(version: string): boolean {
  return /^[1-9][0-9]*$/.test(version);
}
