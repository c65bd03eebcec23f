import { DomainError } from '@tiphys/kernel';

/** Thrown when a range is no range, or has no free address left. */
export class AddressError extends DomainError<{ readonly code: 'badRange' | 'exhausted'; readonly cidr: string }> {
  override readonly name = 'AddressError';
}

/** Hands out IPv4 addresses of a range, each to one holder at a time. */
export class AddressPool {
  readonly cidr: string;
  readonly #first: number;
  readonly #size: number;
  readonly #holders = new Map<string, string>();
  #next = 0;

  /** Throws AddressError when `cidr` is not an IPv4 range with at least two usable addresses. Handing out begins `start` addresses into the range. */
  constructor(cidr: string, start: number = 0) {
    const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(cidr);
    const bits = Number(match?.[5] ?? 99);
    if (match === null || bits > 30 || bits < 4 || match.slice(1, 5).some((part) => Number(part) > 255)) {
      throw new AddressError({ code: 'badRange', cidr }, `address range ${cidr}: not an IPv4 range with room for addresses; write one such as 127.64.0.0/12`);
    }
    this.cidr = cidr;
    // The first address names the network and the second is the node's own.
    const network = match.slice(1, 5).reduce((sum, part) => sum * 256 + Number(part), 0);
    this.#size = 2 ** (32 - bits) - 3;
    this.#first = network - (network % 2 ** (32 - bits)) + 2;
    this.#next = start % this.#size;
  }

  /** Whether the address lies in the range. */
  has(address: string): boolean {
    const offset = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0) - this.#first;
    return offset >= 0 && offset < this.#size;
  }

  /** Keeps an address for its holder, unless it lies outside or another holds it. Answers whether the holder has it now. */
  reserve(address: string, holder: string): boolean {
    if (!this.has(address)) return false;
    const known = this.#holders.get(address);
    if (known !== undefined && known !== holder) return false;
    this.#holders.set(address, holder);
    return true;
  }

  /** A free address, in turn, so that one just released is not given out again at once. Throws AddressError when none is free. */
  allocate(holder: string): string {
    for (let tried = 0; tried < this.#size; tried += 1) {
      const number = this.#first + this.#next;
      this.#next = (this.#next + 1) % this.#size;
      const address = [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
      if (this.reserve(address, holder) && this.#holders.get(address) === holder) return address;
    }
    throw new AddressError({ code: 'exhausted', cidr: this.cidr }, `address range ${this.cidr}: no address left; choose a wider range`);
  }

  /** Gives an address back. */
  release(address: string, holder: string): void {
    if (this.#holders.get(address) === holder) this.#holders.delete(address);
  }
}
