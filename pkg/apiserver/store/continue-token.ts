/** Where the next page of a list begins, as opaque text: upstream's form, base64url of JSON. */
import { badRequest } from "../refusals.ts";

export interface ContinueToken {
  /** The revision of the first page; -1: whatever is newest, after the first was forgotten. */
  readonly revision: number;
  /** The last key sent, without the kind's prefix. */
  readonly after: string;
}

export const encodeContinue = ({ revision, after }: ContinueToken): string =>
  Buffer.from(JSON.stringify({ v: "meta.k8s.io/v1", rv: revision, start: `${after}\0` })).toString(
    "base64url",
  );

export function decodeContinue(text: string): ContinueToken {
  try {
    const token = JSON.parse(Buffer.from(text, "base64url").toString()) as unknown;
    const { v, rv, start } = token as Readonly<Record<string, unknown>>;
    if (v === "meta.k8s.io/v1" && typeof rv === "number" && typeof start === "string") {
      if (rv !== 0 && !start.includes("../")) {
        return { revision: rv, after: start.endsWith("\0") ? start.slice(0, -1) : start };
      }
    }
  } catch {
    // Said below, in the words that clients know.
  }
  throw badRequest("continue key is not valid");
}
