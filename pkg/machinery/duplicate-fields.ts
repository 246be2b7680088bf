/**
 * Finds fields that a JSON text has twice, which JSON.parse silently lets win the last: strict
 * field validation refuses them. The text must be valid JSON.
 */
import { formatPath } from "./decode-walk.ts";

class Scanner {
  readonly #text: string;
  #at = 0;
  readonly #path: (string | number)[] = [];
  readonly duplicates: string[] = [];
  constructor(text: string) {
    this.#text = text;
  }

  #skipSpace(): void {
    while (/\s/.test(this.#text[this.#at] ?? "")) this.#at += 1;
  }

  /** The raw text of a string, from quote to quote. */
  #string(): string {
    const start = this.#at;
    for (this.#at += 1; this.#text[this.#at] !== '"'; this.#at += 1) {
      if (this.#text[this.#at] === "\\") this.#at += 1;
      if (this.#at >= this.#text.length) throw new Error("duplicate fields: not JSON");
    }
    this.#at += 1;
    return this.#text.slice(start, this.#at);
  }

  value(): void {
    this.#skipSpace();
    const first = this.#text[this.#at];
    if (first === "{") this.#object();
    else if (first === "[") this.#array();
    else if (first === '"') this.#string();
    else while (/[^\s,\]}]/.test(this.#text[this.#at] ?? " ")) this.#at += 1;
    this.#skipSpace();
  }

  #object(): void {
    const seen = new Set<string>();
    this.#at += 1;
    for (this.#skipSpace(); this.#text[this.#at] === '"'; this.#skipSpace()) {
      const name = JSON.parse(this.#string()) as string;
      this.#path.push(name);
      if (seen.has(name)) this.duplicates.push(formatPath(this.#path));
      seen.add(name);
      this.#skipSpace();
      this.#at += 1;
      this.value();
      this.#path.pop();
      if (this.#text[this.#at] === ",") this.#at += 1;
    }
    this.#at += 1;
  }

  #array(): void {
    this.#at += 1;
    this.#skipSpace();
    for (let index = 0; this.#at < this.#text.length && this.#text[this.#at] !== "]"; index += 1) {
      this.#path.push(index);
      this.value();
      this.#path.pop();
      if (this.#text[this.#at] === ",") this.#at += 1;
    }
    this.#at += 1;
  }
}

export function duplicateFields(text: string): readonly string[] {
  const scanner = new Scanner(text);
  scanner.value();
  return scanner.duplicates;
}
