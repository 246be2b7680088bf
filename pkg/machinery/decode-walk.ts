/** What the parts of decoding share. */
/** A value of the wrong type: "json: cannot unmarshal string into Go struct field …". */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
}

/** Where the walk is, for messages only. */
export interface Walk {
  readonly path: (string | number)[];
  readonly unknownFields: string[];
}

/** "spec.containers[0].image" */
export const formatPath = (path: readonly (string | number)[]): string =>
  path.reduce<string>(
    (text, part) =>
      typeof part === "number" ? `${text}[${part}]` : text === "" ? part : `${text}.${part}`,
    "",
  );
