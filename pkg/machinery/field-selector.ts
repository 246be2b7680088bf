/** Field selectors: "metadata.name=web,status.phase!=Running". */
export interface FieldRequirement {
  readonly field: string;
  readonly operator: "=" | "!=";
  readonly value: string;
}

/** The message is upstream's; the server answers BadRequest with it. */
export class FieldSelectorError extends Error {
  override readonly name = "FieldSelectorError";
}

/** Splits at commas that have no backslash before them. */
function splitTerms(text: string): readonly string[] {
  const terms: string[] = [];
  let term = "";
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] ?? "";
    if (character === "\\") {
      term += character + (text[at + 1] ?? "");
      at += 1;
    } else if (character === ",") {
      terms.push(term);
      term = "";
    } else term += character;
  }
  return [...terms, term];
}

const wrong = (what: string): FieldSelectorError =>
  new FieldSelectorError(`invalid field selector: ${what}`);

function unescape(value: string): string {
  let result = "";
  for (let at = 0; at < value.length; at += 1) {
    const character = value[at] ?? "";
    if (character === "=" || character === ",")
      throw wrong(`unescaped character in value: ${character.charCodeAt(0)}`);
    if (character !== "\\") result += character;
    else {
      at += 1;
      const escaped = value[at];
      if (escaped === undefined || !"\\,=".includes(escaped))
        throw wrong(`invalid escape sequence: \\${escaped ?? ""}`);
      result += escaped;
    }
  }
  return result;
}

/** An empty text selects everything. Throws FieldSelectorError. */
export function parseFieldSelector(text: string): readonly FieldRequirement[] {
  return splitTerms(text)
    .filter((term) => term !== "")
    .map((term) => {
      const [, field, operator = "", value = ""] = /^(.*?)(!=|==|=)(.*)$/s.exec(term) ?? [];
      if (field === undefined)
        throw new FieldSelectorError(`invalid selector: '${text}'; can't understand '${term}'`);
      return { field, operator: operator === "!=" ? "!=" : "=", value: unescape(value) };
    });
}

const escapeValue = (value: string): string => value.replaceAll(/[\\,=]/g, (one) => `\\${one}`);

export const formatFieldSelector = (requirements: readonly FieldRequirement[]): string =>
  requirements
    .map(({ field, operator, value }) => `${field}${operator}${escapeValue(value)}`)
    .join(",");

/** `read` gives an object's value of a field; the server knows which fields a kind has. */
export const matchesFields = (
  requirements: readonly FieldRequirement[],
  read: (field: string) => string,
): boolean =>
  requirements.every(
    ({ field, operator, value }) => (read(field) === value) === (operator === "="),
  );
