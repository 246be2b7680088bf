/**
 * The plainest part of YAML, read without a library: block mappings and lists, texts in JSON's
 * quotes or of harmless letters, true and false, {} and []. Whoever meets anything else gets
 * undefined and asks the library, whose loading costs a short program more than its work. Pure.
 */
interface Line {
  readonly indent: number;
  readonly text: string;
}

/** Thrown and caught in this file: the text is not plain. */
class NotPlain extends Error {}

const harmless = /^[A-Za-z_/][A-Za-z0-9_./@:+=-]*$/;
/** YAML 1.1 readers and 1.2 readers take some of these for something else than text. */
const words = /^(?:y|n|yes|no|on|off|null|true|false)$/i;

function scalar(text: string): unknown {
  if (text === "{}") return {};
  if (text === "[]") return [];
  if (text === "true" || text === "false") return text === "true";
  if (/^"(?:[^"\\]|\\["\\/bfnrt])*"$/.test(text)) return JSON.parse(text);
  if (harmless.test(text) && !words.test(text) && !text.endsWith(":")) return text;
  throw new NotPlain();
}

function linesOf(text: string): readonly Line[] {
  return text
    .split("\n")
    .map((line) => line.replace(/[ \r]+$/, ""))
    .filter((line) => line !== "" && !/^ *#/.test(line))
    .map((line) => {
      const indent = line.search(/[^ ]/);
      return { indent, text: line.slice(indent) };
    });
}

class Reader {
  readonly #lines: Line[];
  constructor(lines: readonly Line[]) {
    this.#lines = [...lines];
  }

  get isDone(): boolean {
    return this.#lines.length === 0;
  }

  /** What stands at this depth: a list or a mapping. */
  block(indent: number): unknown {
    return this.#lines[0]?.text.startsWith("- ") ? this.#list(indent) : this.#map(indent);
  }

  #list(indent: number): unknown {
    const items: unknown[] = [];
    for (let line = this.#lines[0]; line?.indent === indent; line = this.#lines[0]) {
      if (!line.text.startsWith("- ")) break;
      const inner = line.text.slice(2).trimStart();
      const innerIndent = indent + line.text.length - inner.length;
      if (!/^[\w.-]+:(?: |$)/.test(inner)) {
        this.#lines.shift();
        items.push(scalar(inner));
      } else {
        this.#lines[0] = { indent: innerIndent, text: inner };
        items.push(this.#map(innerIndent));
      }
    }
    return items;
  }

  #map(indent: number): unknown {
    const fields: Record<string, unknown> = {};
    for (let line = this.#lines[0]; line?.indent === indent; line = this.#lines[0]) {
      const match = /^([A-Za-z][\w.-]*):(?: +(.*))?$/.exec(line.text);
      const [, key = "", value] = match ?? [];
      if (match === null || key in fields) throw new NotPlain();
      this.#lines.shift();
      fields[key] = value === undefined ? this.#nested(indent) : scalar(value);
    }
    return fields;
  }

  /** Deeper, or a list at the same depth as its key. */
  #nested(indent: number): unknown {
    const [next] = this.#lines;
    const isListHere = next?.indent === indent && next.text.startsWith("- ");
    if (next === undefined || (next.indent <= indent && !isListHere)) throw new NotPlain();
    return this.block(next.indent);
  }
}

/** The value of a text that is plain; undefined of any other. */
export function parsePlainYaml(text: string): unknown {
  const reader = new Reader(linesOf(text));
  if (reader.isDone) return undefined;
  try {
    const value = reader.block(0);
    return reader.isDone ? value : undefined;
  } catch (error) {
    if (error instanceof NotPlain) return undefined;
    throw error;
  }
}
