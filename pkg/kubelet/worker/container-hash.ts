import type { Container } from "../../../api/core/v1.ts";

/** FNV-1a, 32 bits: short, stable, and no secret depends on it. */
export function fnv32(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1)
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x0100_0193) >>> 0;
  return hash;
}

/**
 * Changes when the container must be started anew. Of all that the API lets a running pod change,
 * only the image demands that.
 */
export const containerHash = ({ name, image }: Container): string =>
  fnv32(JSON.stringify([name, image ?? ""])).toString(16);
