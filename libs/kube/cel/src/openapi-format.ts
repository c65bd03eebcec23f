import { isMapped, parseAddress, parsePrefix } from './address.ts';
import { decodeBase64 } from './bytes.ts';
import { parseDate, parseDuration, parseTimestamp } from './time.ts';
import { parseUrl } from './url.ts';

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;
const UUID_OF = (version: string): RegExp => new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$`, 'i');
const HOSTNAME =
  /^(?:[a-zA-Z0-9_\u00a0-\uffff](?:[a-zA-Z0-9_\-\u00a0-\uffff]{0,61}[a-zA-Z0-9_\u00a0-\uffff])?)(?:\.(?:[a-zA-Z0-9_\u00a0-\uffff](?:[a-zA-Z0-9_\-\u00a0-\uffff]{0,61}[a-zA-Z0-9_\u00a0-\uffff])?))*\.?$/;
const EMAIL = /^[^\s@<>()[\]\\,;:"]+@[^\s@<>()[\]\\,;:"]+$/;
const COLOR = /^rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)$/;

/** The formats a schema of a custom resource may name (kube-openapi strfmt), each with its test. */
const FORMATS: Readonly<Record<string, (text: string) => boolean>> = {
  bsonobjectid: (text) => /^[0-9a-fA-F]{24}$/.test(text),
  uri: (text) => parseUrl(text) !== undefined,
  email: (text) => EMAIL.test(text),
  hostname: (text) => text.length <= 255 && HOSTNAME.test(text) && !/^\d+$/.test(text.split('.').findLast((part) => part !== '') ?? ''),
  ipv4: (text) => parseAddress(text)?.bytes.length === 4,
  ipv6: (text) => parseAddress(text)?.bytes.length === 16,
  cidr: (text) => {
    const prefix = parsePrefix(text);
    return prefix !== undefined && !isMapped(prefix.address);
  },
  mac: (text) =>
    /^(?:[0-9a-fA-F]{2}([:-])(?:[0-9a-fA-F]{2}\1)*[0-9a-fA-F]{2}|(?:[0-9a-fA-F]{4}\.)+[0-9a-fA-F]{4})$/.test(text) &&
    [12, 16, 40].includes(text.replace(/[^0-9a-fA-F]/g, '').length),
  uuid: (text) => UUID.test(text),
  uuid3: (text) => UUID_OF('3').test(text),
  uuid4: (text) => UUID_OF('4').test(text),
  uuid5: (text) => UUID_OF('5').test(text),
  isbn: (text) => isIsbn10(text) || isIsbn13(text),
  isbn10: isIsbn10,
  isbn13: isIsbn13,
  creditcard: isCreditCard,
  ssn: (text) => /^\d{3}[- ]?\d{2}[- ]?\d{4}$/.test(text),
  hexcolor: (text) => /^#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/.test(text),
  rgbcolor: (text) =>
    COLOR.exec(text)
      ?.slice(1)
      .every((part) => Number(part) <= 255) === true,
  byte: (text) => text === '' || decodeBase64(text) !== undefined,
  password: () => true,
  date: (text) => parseDate(text) !== undefined,
  duration: (text) => isDuration(text),
  datetime: (text) => parseTimestamp(text.replace(/^(\d{4}-\d{2}-\d{2}) /, '$1T')) !== undefined,
};

/** Whether a text is of a format such as `date-time`; true for formats nobody knows, which reject nothing. */
export function matchesFormat(format: string, text: string): boolean {
  const name = format.replaceAll('-', '');
  return Object.hasOwn(FORMATS, name) ? FORMATS[name]?.(text) !== false : true;
}

/** Whether a format is one the server tests. */
export function isKnownFormat(format: string): boolean {
  return Object.hasOwn(FORMATS, format.replaceAll('-', ''));
}

// Go's durations, and words as strfmt has them: `1 hour`, `3 days`.
function isDuration(text: string): boolean {
  return (
    parseDuration(text) !== undefined ||
    /^\s*(?:[+-]?\d+(?:\.\d+)?\s*(?:ns|nano|nanoseconds?|nanos|us|µs|micros?|microseconds?|ms|millis?|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|wks?|weeks?)\s*)+$/.test(
      text,
    )
  );
}

function digitsOf(text: string): string {
  return text.replace(/[\s-]/g, '');
}

function isIsbn10(text: string): boolean {
  const digits = digitsOf(text);
  if (!/^\d{9}[\dX]$/.test(digits)) return false;
  return [...digits].reduce((sum, digit, index) => sum + (10 - index) * (digit === 'X' ? 10 : Number(digit)), 0) % 11 === 0;
}

function isIsbn13(text: string): boolean {
  const digits = digitsOf(text);
  return /^\d{13}$/.test(digits) && [...digits].reduce((sum, digit, index) => sum + Number(digit) * (index % 2 === 0 ? 1 : 3), 0) % 10 === 0;
}

// Luhn's check.
function isCreditCard(text: string): boolean {
  const digits = digitsOf(text);
  if (!/^\d{12,19}$/.test(digits)) return false;
  const sum = [...digits].toReversed().reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 === 0 ? 1 : 2);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}
