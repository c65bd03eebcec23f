/** A generator of numbers in [0, 1) that a seed repeats (mulberry32). */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One of a list. */
export const oneOf = (random, list) => list[Math.floor(random() * list.length)];

/** A whole number below a bound. */
export const below = (random, bound) => Math.floor(random() * bound);
