/**
 * Expands $(NAME) in commands, arguments and environment values. $$ is a literal $, and a
 * reference to an unknown name stays as it was written.
 */
export function expand(text: string, lookup: (name: string) => string | undefined): string {
  let out = "";
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char !== "$" || at + 1 === text.length) {
      out += char;
      continue;
    }
    const [piece, length] = readReference(text.slice(at + 1), lookup);
    out += piece;
    at += length;
  }
  return out;
}

/** What the text behind a "$" stands for, and how many characters of it were used. */
function readReference(
  rest: string,
  lookup: (name: string) => string | undefined,
): readonly [string, number] {
  const first = rest.charAt(0);
  if (first === "$") return ["$", 1];
  if (first !== "(") return [`$${first}`, 1];
  const end = rest.indexOf(")");
  if (end === -1) return ["$(", 1];
  const name = rest.slice(1, end);
  return [lookup(name) ?? `$(${name})`, end + 1];
}
