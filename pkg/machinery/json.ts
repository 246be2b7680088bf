/** JSON as upstream prints it: indented by two spaces, and safe inside HTML. */
const escapes: Readonly<Record<string, string>> = {
  "<": "\\u003c",
  ">": "\\u003e",
  "&": "\\u0026",
  "\u2028": "\\u2028",
  "\u2029": "\\u2029",
};

/** What Go's encoder prints for the same value, byte for byte; without a line end. */
export const formatJson = (value: unknown, indent: 0 | 2 | 4 = 2): string =>
  JSON.stringify(value, undefined, indent).replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => escapes[character] ?? character,
  );
