/**
 * Objects as kubectl prints them with -o yaml, byte for byte as Go's library: keys in their order,
 * lists not indented, texts of one line folded at blanks behind column 80. Pure, and without a
 * YAML library: printing is in the way of every `get -o yaml`.
 */
import { doubleQuoted, scalarStyle } from "./yaml-scalar.ts";

const columnMax = 80;
/** A longer key is written behind a question mark. */
const keyMax = 128;
const utf8 = new TextEncoder();

class YamlWriter {
  #out = "";
  #column = 0;

  get text(): string {
    return this.#out;
  }

  write(text: string): void {
    this.#out += text;
    this.#column += Array.from(text).length;
  }
  line(indent: number): void {
    if (this.#out !== "" && !this.#out.endsWith("\n")) this.#out += "\n";
    this.#out += " ".repeat(indent);
    this.#column = indent;
  }

  /** A value behind "key:" or "-"; `indent` is its holder's. */
  value(value: unknown, indent: number, isInList: boolean): void {
    if (Array.isArray(value)) this.#list(value, indent, isInList);
    else if (typeof value === "object" && value !== null) this.#map(value, indent, isInList);
    else {
      if (this.#out !== "") this.write(" ");
      if (typeof value === "string") this.#text(value, indent + 2, false);
      else this.write(numberText(value));
    }
  }

  #list(items: readonly unknown[], indent: number, isInList: boolean): void {
    if (items.length === 0) return this.write(this.#out === "" ? "[]" : " []");
    const own = isInList ? indent + 2 : indent;
    items.forEach((item, at) => {
      if (isInList && at === 0) this.write(" ");
      else this.line(own);
      this.write("-");
      this.value(item, own, true);
    });
  }

  #map(map: object, indent: number, isInList: boolean): void {
    const entries = Object.entries(map).filter(([, value]) => value !== undefined);
    if (entries.length === 0) return this.write(this.#out === "" ? "{}" : " {}");
    const own = this.#out === "" ? 0 : indent + 2;
    entries
      .toSorted(([a], [b]) => compareKeys(a, b))
      .forEach(([key, value], at) => {
        if (isInList && at === 0) this.write(" ");
        else this.line(own);
        this.#entry(key, value, own);
      });
  }

  #entry(key: string, value: unknown, indent: number): void {
    // No character of a string takes more than three bytes.
    const mayBeLong = key.length * 3 > keyMax;
    const isLong = (mayBeLong && utf8.encode(key).length > keyMax) || key.includes("\n");
    if (isLong) this.write("? ");
    this.#text(key, indent + 2, !isLong);
    if (isLong) this.line(indent);
    this.write(":");
    this.value(value, indent, isLong && typeof value === "object" && value !== null);
  }

  #text(text: string, indent: number, isKey: boolean): void {
    const style = scalarStyle(text, isKey);
    if (style === "literal") return this.#literal(text, indent);
    const quote = style === "single" ? "'" : style === "double" ? '"' : "";
    this.write(quote);
    this.#folded(Array.from(text), indent, { quote, mayFold: !isKey });
    this.write(quote);
  }

  #literal(text: string, indent: number): void {
    const hint = /^[ \n\r\x85\u2028\u2029]/.test(text) ? "2" : "";
    const chomp = !text.endsWith("\n") ? "-" : text === "\n" || text.endsWith("\n\n") ? "+" : "";
    this.write(`|${hint}${chomp}`);
    this.#out += "\n";
    for (const line of text.replace(/\n$/, "").split("\n"))
      this.#out += line === "" ? "\n" : `${" ".repeat(indent)}${line}\n`;
    this.#column = 0;
  }

  /** Breaks at single blanks behind the last column, where a reader joins the lines with one. */
  #folded(
    text: readonly string[],
    indent: number,
    { quote, mayFold }: { readonly quote: string; readonly mayFold: boolean },
  ): void {
    let afterBlank = false;
    text.forEach((character, at) => {
      if (character !== " ") {
        afterBlank = false;
        const plain = quote === "'" && character === "'" ? "''" : character;
        return this.write(quote === '"' ? doubleQuoted(character) : plain);
      }
      const isInner = quote === "" || (at > 0 && at < text.length - 1);
      const isAlone = quote === '"' || text[at + 1] !== " ";
      const folds = mayFold && !afterBlank && this.#column > columnMax && isInner && isAlone;
      if (folds) {
        this.line(indent);
        if (quote === '"' && text[at + 1] === " ") this.write("\\");
      } else this.write(" ");
      afterBlank = true;
    });
  }
}

/**
 * Numbers as Go's shortest form: 1e+06 for a million that came as a fraction is not ours to see.
 */
const numberText = (value: unknown): string =>
  value === null || value === undefined ? "null" : JSON.stringify(value);

const isLetter = (character: string): boolean => /\p{L}/u.test(character);
const isDigit = (character: string): boolean => /\p{Nd}/u.test(character);

/** The order of keys in Go's library: numbers in a name by value, signs before letters. */
export function compareKeys(left: string, right: string): number {
  const [a, b] = [Array.from(left), Array.from(right)];
  for (let at = 0; at < a.length && at < b.length; at++) {
    const [one = "", other = ""] = [a[at], b[at]];
    if (one === other) continue;
    const [oneIsLetter, otherIsLetter] = [isLetter(one), isLetter(other)];
    if (oneIsLetter && otherIsLetter) return one < other ? -1 : 1;
    if (oneIsLetter || otherIsLetter) return otherIsLetter ? -1 : 1;
    return compareNumbers(a, b, at) || (one < other ? -1 : 1);
  }
  return a.length - b.length;
}

function compareNumbers(a: readonly string[], b: readonly string[], at: number): number {
  const before = isAfterNumber(a, at) && (a[at] === "0" || b[at] === "0") ? "1" : "";
  const [one, other] = [a, b].map((text) => /^[0-9]*/.exec(text.slice(at).join(""))?.[0] ?? "");
  const difference = Number(`${before}${one}` || 0) - Number(`${before}${other}` || 0);
  return difference === 0 ? (one ?? "").length - (other ?? "").length : difference;
}

/** A digit other than zero stands before, in the same number: a zero here counts. */
function isAfterNumber(text: readonly string[], at: number): boolean {
  for (let before = at - 1; before >= 0 && isDigit(text[before] ?? ""); before--)
    if (text[before] !== "0") return true;
  return false;
}

/** A whole document, with its line's end. */
export function yamlText(value: unknown): string {
  const writer = new YamlWriter();
  writer.value(value, 0, false);
  return writer.text.endsWith("\n") ? writer.text : `${writer.text}\n`;
}
