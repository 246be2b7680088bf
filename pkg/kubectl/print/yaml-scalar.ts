/**
 * How a text is written in YAML so that a YAML 1.1 reader gets the same text: the choices of Go's
 * library, which kubectl prints with. Pure.
 */
export type ScalarStyle = "plain" | "single" | "double" | "literal";

const words = new Set(
  [
    "~ null Null NULL .nan .NaN .NAN .inf .Inf .INF +.inf +.Inf +.INF -.inf -.Inf -.INF",
    "y Y yes Yes YES on On ON true True TRUE n N no No NO off Off OFF false False FALSE",
  ].flatMap((line) => line.split(" ")),
);
const number = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const wholeNumber = /^[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|[0-9]+)$/;
const sexagesimal = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/;
const time =
  /^\d{4}-\d{1,2}-\d{1,2}(?:[Tt]\d{1,2}:\d{1,2}:\d{1,2}(?:\.\d+)?(?:Z|[-+]\d\d:\d\d)| \d{1,2}:\d{1,2}:\d{1,2}(?:\.\d+)?)?$/;

/** A reader would take the bare text for a boolean, a number, a time or null. */
export function readsAsOther(text: string): boolean {
  if (text === "" || words.has(text)) return true;
  if (!/^[-+.0-9]/.test(text)) return false;
  const digits = text.replaceAll("_", "");
  return number.test(digits) || wholeNumber.test(digits) || sexagesimal.test(text) || isTime(text);
}

function isTime(text: string): boolean {
  if (!time.test(text)) return false;
  const [year = 0, month = 0, day = 0] = text.split(/[-Tt ]/).map(Number);
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

const unprintable = /[^\n\x20-\x7e\x85\xa0-\u{d7ff}\u{e000}-\u{fefe}\u{ff00}-\u{fffd}]/u;
const leading = /^[#,[\]{}&*!|>'"%@`]/;
const isBreak = (character: string | undefined): boolean =>
  character !== undefined && "\n\r\x85\u2028\u2029".includes(character);
const isBlankOrEnd = (character: string | undefined): boolean =>
  character === undefined || character === " " || character === "\t" || isBreak(character);

/** Something in the text would read as YAML's own signs, outside of [] and {}. */
function hasIndicators(text: string): boolean {
  if (text.startsWith("---") || text.startsWith("...") || leading.test(text)) return true;
  if (/^[-?:]/.test(text) && isBlankOrEnd(text[1])) return true;
  return /.:(?:[ \t\n\r\x85\u2028\u2029]|$)|[ \t\n\r\x85\u2028\u2029]#/s.test(text);
}

/** Keys are written on one line, in plain or quoted form. */
export function scalarStyle(text: string, isKey = false): ScalarStyle {
  const special = unprintable.test(text) || / [\n\r\x85\u2028\u2029]/.test(text);
  const hasBreaks = Array.from(text).some(isBreak);
  if (text.includes("\n")) {
    const fits = !special && !isKey && !text.endsWith(" ");
    return fits ? "literal" : "double";
  }
  if (readsAsOther(text) || special || (hasBreaks && isKey)) return "double";
  const first = text[0];
  const last = text.at(-1);
  const isPlain =
    first !== " " && last !== " " && !isBreak(first) && !hasBreaks && !hasIndicators(text);
  return isPlain ? "plain" : "single";
}

const escapes: Readonly<Record<string, string>> = {
  "\0": "\\0",
  "\x07": "\\a",
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\v": "\\v",
  "\f": "\\f",
  "\r": "\\r",
  "\x1b": "\\e",
  '"': '\\"',
  "\\": "\\\\",
  "\x85": "\\N",
  "\u2028": "\\L",
  "\u2029": "\\P",
};

/** One character inside double quotes. */
export function doubleQuoted(character: string): string {
  const known = escapes[character];
  if (known !== undefined) return known;
  if (!unprintable.test(character)) return character;
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16).toUpperCase();
  if (code <= 0xff) return `\\x${hex.padStart(2, "0")}`;
  return code <= 0xffff ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}
