/** Headers whose names begin with a prefix, with every value that came under a name: a group's name may have a comma, so values are not joined. */
export function collectHeaders(rawHeaders: readonly string[], prefix: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase();
    const value = readText(rawHeaders[index + 1] ?? '');
    if (name.startsWith(prefix) && value !== '') found.set(name, [...(found.get(name) ?? []), value]);
  }
  return found;
}

// Node reads a header's bytes as characters; names of users are UTF-8.
function readText(value: string): string {
  if (!/[\x80-\xff]/.test(value) || /[\u0100-\uffff]/.test(value)) return value;
  const text = Buffer.from(value, 'latin1').toString();
  return text.includes('\uFFFD') ? value : text;
}

/** The key of an extra field as it stands in a header's name. */
export function unescapeKey(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Not escaped: the key is what stands there.
    return text;
  }
}
