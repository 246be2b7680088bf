/** Above every key: no key that is valid UTF-8 begins with this code point. */
const lastCharacter = String.fromCodePoint(0x10ffff);

/**
 * The smallest text above every key that begins with `prefix`, for ranges that exclude their end.
 * The empty prefix has no such text; the result then stands above every key in use.
 */
export function prefixEnd(prefix: string): string {
  const characters = Array.from(prefix);
  for (let last = characters.pop(); last !== undefined; last = characters.pop()) {
    const next = codePointAfter(last);
    if (next !== undefined) return characters.join("") + next;
  }
  return lastCharacter;
}

function codePointAfter(character: string): string | undefined {
  const next = (character.codePointAt(0) ?? 0) + 1;
  if (next > 0x10ffff) return undefined;
  // Surrogates are no characters: the one after U+D7FF is U+E000.
  return String.fromCodePoint(next === 0xd800 ? 0xe000 : next);
}

/** The first key of a list: the one behind `after`, or the first under the prefix. */
export const rangeStart = (prefix: string, after: string | undefined): string =>
  after === undefined || compareKeys(after, prefix) < 0 ? prefix : `${after}\0`;

const surrogate = /[\ud800-\udfff]/;

/** Byte order of UTF-8, which is code-point order; `<` on texts is the order of UTF-16 units. */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0;
  if (surrogate.test(a) || surrogate.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return a < b ? -1 : 1;
}

/** Index of the first of the sorted keys that is not below `key`. */
export function lowerBound(sorted: readonly string[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareKeys(sorted[middle] ?? "", key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
