import { readFile } from "node:fs/promises";
import type { Clock } from "../base/clock.ts";

/** How long a token read from a file is used: kubelet renews projected ones well before expiry. */
const freshMs = 60_000;

/** A token that is kept in a file and renewed there by somebody else. */
export function fileToken(path: string, clock: Clock): () => Promise<string> {
  let known: { readonly token: string; readonly readAtMs: number } | undefined;
  return async () => {
    if (known !== undefined && clock.monotonic() - known.readAtMs < freshMs) return known.token;
    try {
      known = { token: (await readFile(path, "utf8")).trim(), readAtMs: clock.monotonic() };
    } catch (cause) {
      // A file that is being replaced must not end a running program: the old one goes on.
      if (known === undefined) throw new Error(`read token file ${path}`, { cause });
    }
    return known.token;
  };
}
