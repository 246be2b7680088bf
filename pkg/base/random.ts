/** The door to chance: seeded in tests and in the simulator, the kernel's in production. */
export interface Random {
  /** Uniform in [0, 1). */
  fraction(): number;
  /** Version-4 UUID, as used for `metadata.uid`. */
  uuid(): string;
  /** `length` characters that read unambiguously and spell no words, as in generated names. */
  suffix(length: number): string;
}

/** The alphabet of generated names: no vowels (no words), no 0, 1, 3 (no confusion). */
const suffixAlphabet = "bcdfghjklmnpqrstvwxz2456789";

/** Builds a Random from its one primitive: a function that returns fractions in [0, 1). */
export function randomFrom(fraction: () => number): Random {
  const digit = (choices: string): string => choices[Math.floor(fraction() * choices.length)] ?? "";
  const hex = (length: number): string =>
    Array.from({ length }, () => digit("0123456789abcdef")).join("");
  return {
    fraction,
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-${digit("89ab")}${hex(3)}-${hex(12)}`,
    suffix: (length) => Array.from({ length }, () => digit(suffixAlphabet)).join(""),
  };
}

/** A repeatable Random: the same seed gives the same sequence (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return randomFrom(() => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  });
}
