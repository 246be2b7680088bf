/**
 * Command lines in kubectl's manner: --name=value, --name value, -n value, -nvalue, -it, --. Pure.
 */
export interface FlagSpec {
  /** One letter. */
  readonly short?: string;
  readonly kind: "text" | "list" | "bool" | "number";
  /** What a valueless text flag means: `--dry-run` alone. */
  readonly alone?: string;
  readonly help: string;
}
export type FlagSpecs = Readonly<Record<string, FlagSpec>>;

type ValueOf<S extends FlagSpec> = S["kind"] extends "bool"
  ? boolean
  : S["kind"] extends "list"
    ? readonly string[]
    : S["kind"] extends "number"
      ? number | undefined
      : string | undefined;
export type Flags<S extends FlagSpecs> = { readonly [N in keyof S]: ValueOf<S[N]> };

export interface Parsed<S extends FlagSpecs> {
  readonly flags: Flags<S>;
  /** Words that are no flags, before `--`. */
  readonly args: readonly string[];
  /** Words behind `--`; undefined when there is no `--`. */
  readonly rest: readonly string[] | undefined;
}

/** A wrong command line: told in one line, exit code 1. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

class Values {
  readonly #specs: FlagSpecs;
  readonly values: Record<string, unknown> = {};

  constructor(specs: FlagSpecs) {
    this.#specs = specs;
    for (const [name, { kind }] of Object.entries(specs)) {
      this.values[name] = kind === "bool" ? false : kind === "list" ? [] : undefined;
    }
  }

  byShort(letter: string, word: string): string {
    const found = Object.entries(this.#specs).find(([, spec]) => spec.short === letter);
    if (found === undefined) throw new UsageError(`unknown shorthand flag: '${letter}' in ${word}`);
    return found[0];
  }
  spec(name: string): FlagSpec {
    const spec = this.#specs[name];
    if (spec === undefined) throw new UsageError(`unknown flag: --${name}`);
    return spec;
  }
  set(name: string, text: string): void {
    const { kind } = this.spec(name);
    if (kind === "list") this.values[name] = [...(this.values[name] as string[]), text];
    else if (kind === "bool") this.values[name] = parseBool(name, text);
    else if (kind === "number") this.values[name] = parseNumber(name, text);
    else this.values[name] = text;
  }
}

function parseBool(name: string, text: string): boolean {
  if (["true", "1", "t"].includes(text)) return true;
  if (["false", "0", "f"].includes(text)) return false;
  throw new UsageError(`invalid argument "${text}" for "--${name}" flag: not a boolean`);
}

function parseNumber(name: string, text: string): number {
  const value = Number(text);
  if (text === "" || !Number.isInteger(value)) {
    throw new UsageError(`invalid argument "${text}" for "--${name}" flag: not a whole number`);
  }
  return value;
}

/** Throws UsageError on an unknown flag, a missing value or a value of the wrong kind. */
export function parseFlags<S extends FlagSpecs>(specs: S, words: readonly string[]): Parsed<S> {
  const values = new Values(specs);
  const args: string[] = [];
  const queue = [...words];
  let rest: readonly string[] | undefined;

  const take = (shown: string): string => {
    const next = queue.shift();
    if (next === undefined) throw new UsageError(`flag needs an argument: ${shown}`);
    return next;
  };
  const long = (word: string): void => {
    const [name = "", ...value] = word.slice(2).split("=");
    const spec = values.spec(name);
    if (value.length > 0) values.set(name, value.join("="));
    else if (spec.kind === "bool") values.set(name, "true");
    else if (spec.alone !== undefined) values.set(name, spec.alone);
    else values.set(name, take(`--${name}`));
  };
  const short = (word: string): void => {
    for (let at = 1; at < word.length; at++) {
      const name = values.byShort(word[at] ?? "", word);
      if (values.spec(name).kind === "bool") {
        values.set(name, "true");
        continue;
      }
      const value = word.slice(at + 1).replace(/^=/, "");
      const { alone } = values.spec(name);
      values.set(name, value === "" ? (alone ?? take(`'${word[at]}' in ${word}`)) : value);
      return;
    }
  };

  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (word === "--") {
      rest = [...queue];
      break;
    }
    if (word.startsWith("--")) long(word);
    else if (word.startsWith("-") && word !== "-") short(word);
    else args.push(word);
  }
  return { flags: values.values as Flags<S>, args, rest };
}

/** The flags as help shows them, one a line. */
export function describeFlags(specs: FlagSpecs): string {
  const rows = Object.entries(specs).map(([name, { short, kind, help }]) => {
    const letter = short === undefined ? "    " : `-${short}, `;
    const value = kind === "bool" ? "" : kind === "number" ? "=N" : "=VALUE";
    return [`  ${letter}--${name}${value}`, help] as const;
  });
  const width = Math.max(0, ...rows.map(([flag]) => flag.length));
  return rows.map(([flag, help]) => `${flag.padEnd(width)}  ${help}`).join("\n");
}
