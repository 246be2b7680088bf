/** What the parts of decoding share. */
/** A value of the wrong type: "json: cannot unmarshal string into Go struct field …". */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
}

/** A field, an index, a key of a map, or a struct whose fields belong to the outer object. */
export type PathPart = string | number | { readonly key: string } | { readonly embedded: string };

/** Where the walk is, for messages only. */
export interface Walk {
  readonly path: PathPart[];
  readonly unknownFields: string[];
}

/** "spec.containers[0].image" */
export const formatPath = (path: readonly PathPart[]): string =>
  path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    if (typeof part === "object" && "embedded" in part) return text;
    const name = typeof part === "string" ? part : part.key;
    return text === "" ? name : `${text}.${name}`;
  }, "");

/** The same as Go's decoder says it: with embedded structs, without indices and keys of maps. */
export const formatGoPath = (path: readonly PathPart[]): string =>
  path
    .flatMap((part) => {
      if (typeof part === "string") return [part];
      return typeof part === "object" && "embedded" in part ? [part.embedded] : [];
    })
    .join(".");
