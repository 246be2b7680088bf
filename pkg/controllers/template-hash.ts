import type { PodTemplateSpec } from "../../api/core/v1.ts";

/** The alphabet in which upstream writes hashes, so that they spell no words. */
const alphabet = "bcdfghjklmnpqrstvwxz2456789";

/**
 * A name for a template: FNV-32a, written as upstream writes it. The value differs from
 * upstream's, which hashes Go's own dump of the value; what upstream made of a template is found
 * all the same, since templates are compared, never hashes. `collisions` makes another name when
 * the first is taken by another template.
 */
export function templateHash(template: PodTemplateSpec, collisions: number | undefined): string {
  const text = canonical(template) + (collisions === undefined ? "" : `#${collisions}`);
  return encodeSafely(String(fnv32a(new TextEncoder().encode(text))));
}

/** JSON with sorted fields and without empty ones. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value ?? null);
  const entries = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(",")}}`;
}

/** Fowler, Noll and Vo's hash, 32 bits, variant 1a. */
export function fnv32a(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash >>> 0;
}

export const encodeSafely = (digits: string): string =>
  digits.replace(/./g, (digit) => alphabet[digit.charCodeAt(0) % alphabet.length] ?? "");
