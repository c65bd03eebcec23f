import { formatAddress, formatPrefix, isMapped, maskPrefix, parseAddress, parsePrefix, prefixContains, type Address, type Prefix } from '../address.ts';
import { exactly, scale, TRAVERSAL, add } from '../estimate.ts';
import { overloads, type Overload, type OverloadBody } from '../overload.ts';
import { CelError, noSuchOverload } from '../problem.ts';
import { sizeOf, type CelOpaque, type CelValue } from '../value.ts';
import { constantCost, sizeAt, traversal, type CostRule } from './cost-rules.ts';

/** An IP address as a value. */
class CelIp implements CelOpaque {
  readonly typeName = 'net.IP';
  readonly address: Address;

  constructor(address: Address) {
    this.address = address;
  }

  get costSize(): number {
    return this.address.bytes.length;
  }

  equals(other: CelValue): boolean {
    return other instanceof CelIp && formatAddress(other.address) === formatAddress(this.address);
  }
}

/** A network as a value. */
class CelCidr implements CelOpaque {
  readonly typeName = 'net.CIDR';
  readonly prefix: Prefix;

  constructor(prefix: Prefix) {
    this.prefix = prefix;
  }

  get costSize(): number {
    return Math.ceil(this.prefix.bits / 8);
  }

  equals(other: CelValue): boolean {
    return other instanceof CelCidr && formatPrefix(other.prefix) === formatPrefix(this.prefix);
  }
}

// What is wrong with the text of an address, or the address.
function readIp(text: string): Address | string {
  if (text.includes('%') && parseAddress(text.slice(0, text.indexOf('%'))) !== undefined)
    return `IP address ${JSON.stringify(text)} with zone value is not allowed`;
  const address = parseAddress(text);
  if (address === undefined)
    return `IP Address ${JSON.stringify(text)} parse error during conversion from string: ParseAddr(${JSON.stringify(text)}): unable to parse IP`;
  return isMapped(address) ? `IPv4-mapped IPv6 address ${JSON.stringify(text)} is not allowed` : address;
}

function readCidr(text: string): Prefix | string {
  const prefix = parsePrefix(text);
  if (prefix === undefined) return `network address parse error during conversion from string: netip.ParsePrefix(${JSON.stringify(text)}): invalid prefix`;
  return isMapped(prefix.address) ? `IPv4-mapped IPv6 address ${JSON.stringify(text)} is not allowed` : prefix;
}

function mustIp(value: CelValue | undefined): Address {
  if (value instanceof CelIp) return value.address;
  if (typeof value !== 'string') throw noSuchOverload();
  const address = readIp(value);
  if (typeof address === 'string') throw new CelError(address);
  return address;
}

function mustCidr(value: CelValue | undefined): Prefix {
  if (value instanceof CelCidr) return value.prefix;
  if (typeof value !== 'string') throw noSuchOverload();
  const prefix = readCidr(value);
  if (typeof prefix === 'string') throw new CelError(prefix);
  return prefix;
}

const test = (predicate: (address: Address) => boolean): OverloadBody => ({ ...constantCost(1), run: ([ip]) => predicate(mustIp(ip)) });
const first = ({ bytes }: Address): number => bytes[0] ?? 0;
const second = ({ bytes }: Address): number => bytes[1] ?? 0;
const isIpv4 = ({ bytes }: Address): boolean => bytes.length === 4;
const isUnspecified = ({ bytes }: Address): boolean => bytes.every((byte) => byte === 0);
const isLoopback = (address: Address): boolean => (isIpv4(address) ? first(address) === 127 : formatAddress(address) === '::1');
const isMulticast = (address: Address): boolean => (isIpv4(address) ? first(address) >> 4 === 14 : first(address) === 255);
const isLinkLocal = (address: Address): boolean =>
  isIpv4(address) ? first(address) === 169 && second(address) === 254 : first(address) === 0xfe && second(address) >> 6 === 2;
const isLinkLocalMulticast = (address: Address): boolean =>
  isIpv4(address) ? formatAddress(address).startsWith('224.0.0.') : first(address) === 255 && (second(address) & 15) === 2;
const isGlobal = (address: Address): boolean =>
  !isUnspecified(address) && !isLoopback(address) && !isMulticast(address) && !isLinkLocal(address) && formatAddress(address) !== '255.255.255.255';

// Comparing the bytes of an address with those of a network, and reading the other where it is text.
function containment(passes: number, base: number): CostRule {
  const bytes = { min: 4, max: 16 };
  return {
    cost: ([cidr = null, other = null]) => {
      const size = sizeOf(cidr);
      const masked = passes > 2 ? Math.ceil(size * TRAVERSAL) + base : 0;
      return Math.ceil(2 * size * TRAVERSAL) + masked + (typeof other === 'string' ? Math.ceil(sizeOf(other) * TRAVERSAL) : 0);
    },
    estimate: (args) => ({
      cost: add(
        scale(add(bytes, bytes), TRAVERSAL),
        ...(passes > 2 ? [scale(bytes, TRAVERSAL), exactly(base)] : []),
        ...(args[1]?.type.kind === 'string' ? [scale(sizeAt(args, 1), TRAVERSAL)] : []),
      ),
    }),
  };
}

/** Kubernetes' functions of IP addresses and networks (apiserver pkg/cel/library/ip.go, cidr.go). */
export const ADDRESSES: readonly Overload[] = [
  ...overloads('ip', ['(string): IP'], { ...traversal(), run: ([text]) => new CelIp(mustIp(text)) }),
  ...overloads('isIP', ['(string): bool'], { ...traversal(), run: ([text]) => typeof readIp(String(text)) !== 'string' }),
  ...overloads('ip.isCanonical', ['(string): bool'], { ...traversal(0, 2), run: ([text]) => formatAddress(mustIp(text)) === text }),
  ...overloads('family', ['IP.(): int'], { ...constantCost(1), run: ([ip]) => (isIpv4(mustIp(ip)) ? 4n : 6n) }),
  ...overloads('isUnspecified', ['IP.(): bool'], test(isUnspecified)),
  ...overloads('isLoopback', ['IP.(): bool'], test(isLoopback)),
  ...overloads('isLinkLocalMulticast', ['IP.(): bool'], test(isLinkLocalMulticast)),
  ...overloads('isLinkLocalUnicast', ['IP.(): bool'], test(isLinkLocal)),
  ...overloads('isGlobalUnicast', ['IP.(): bool'], test(isGlobal)),
  ...overloads('string', ['(IP): string'], ([ip]) => formatAddress(mustIp(ip))),
  ...overloads('cidr', ['(string): CIDR'], { ...traversal(), run: ([text]) => new CelCidr(mustCidr(text)) }),
  ...overloads('isCIDR', ['(string): bool'], { ...traversal(), run: ([text]) => typeof readCidr(String(text)) !== 'string' }),
  ...overloads('containsIP', ['CIDR.(string): bool', 'CIDR.(IP): bool'], {
    ...containment(2, 0),
    run: ([cidr, ip]) => prefixContains(mustCidr(cidr), mustIp(ip)),
  }),
  ...overloads('containsCIDR', ['CIDR.(string): bool', 'CIDR.(CIDR): bool'], {
    ...containment(3, 1),
    run: ([cidr, other]) => {
      const [outer, inner] = [mustCidr(cidr), mustCidr(other)];
      return inner.bits >= outer.bits && prefixContains(outer, maskPrefix(inner).address);
    },
  }),
  ...overloads('ip', ['CIDR.(): IP'], { ...constantCost(1), run: ([cidr]) => new CelIp(mustCidr(cidr).address) }),
  ...overloads('prefixLength', ['CIDR.(): int'], { ...constantCost(1), run: ([cidr]) => BigInt(mustCidr(cidr).bits) }),
  ...overloads('masked', ['CIDR.(): CIDR'], { ...constantCost(1), run: ([cidr]) => new CelCidr(maskPrefix(mustCidr(cidr))) }),
  ...overloads('string', ['(CIDR): string'], ([cidr]) => formatPrefix(mustCidr(cidr))),
];
