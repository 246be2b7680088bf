/** Label selectors: parsed from text, built from an object's LabelSelector, matched, printed. */
import type { LabelSelector } from "../../api/meta/v1.ts";
import { labelValueComplaints, qualifiedNameComplaints } from "./names.ts";

export type SelectorOperator = "=" | "==" | "!=" | "in" | "notin" | "exists" | "!" | "gt" | "lt";

export interface Requirement {
  readonly key: string;
  readonly operator: SelectorOperator;
  /** Sorted, without repetition. */
  readonly values: readonly string[];
}

export type Labels = Readonly<Record<string, string>>;

/** The message is upstream's; the server answers BadRequest with it. */
export class SelectorError extends Error {
  override readonly name = "SelectorError";
}

const symbols = ["!=", "==", "=", "!", "(", ")", ",", ">", "<"] as const;
const operators: ReadonlyMap<string, SelectorOperator> = new Map([
  ["=", "="],
  ["==", "=="],
  ["!=", "!="],
  ["in", "in"],
  ["notin", "notin"],
  [">", "gt"],
  ["<", "lt"],
]);
const binaryOperators = "in, notin, =, ==, !=, gt, lt";

interface Token {
  readonly is: "symbol" | "word" | "end";
  readonly text: string;
}

function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let rest = text.trimStart();
  while (rest !== "") {
    const symbol = symbols.find((one) => rest.startsWith(one));
    const word = symbol ?? /^[^\s!=(),<>]+/.exec(rest)?.[0] ?? rest;
    tokens.push({ is: symbol === undefined ? "word" : "symbol", text: word });
    rest = rest.slice(word.length).trimStart();
  }
  return [...tokens, { is: "end", text: "" }];
}

const isSymbol = (token: Token, text: string): boolean =>
  token.is === "symbol" && token.text === text;
const endsRequirement = (token: Token): boolean => token.is === "end" || isSymbol(token, ",");

function checkKey(key: string): void {
  const wrong = qualifiedNameComplaints(key);
  if (wrong.length > 0)
    throw new SelectorError(`<nil>: Invalid value: ${JSON.stringify(key)}: ${wrong.join("; ")}`);
}

function checkValues(key: string, operator: SelectorOperator, values: readonly string[]): void {
  for (const [index, value] of values.entries()) {
    if ((operator === "gt" || operator === "lt") && !/^[+-]?\d+$/.test(value))
      throw new SelectorError(
        `values[${index}]: Invalid value: ${JSON.stringify(value)}: ` +
          "for 'Gt', 'Lt' operators, the value must be an integer",
      );
    const wrong = labelValueComplaints(value);
    if (wrong.length > 0)
      throw new SelectorError(
        `values[${index}][${key}]: Invalid value: ${JSON.stringify(value)}: ${wrong.join("; ")}`,
      );
  }
}

const sorted = (values: Iterable<string>): readonly string[] =>
  [...new Set(values)].sort((a, b) => (a < b ? -1 : 1));

class SelectorParser {
  readonly #tokens: readonly Token[];
  #at = 0;
  constructor(text: string) {
    this.#tokens = tokenize(text);
  }

  get #next(): Token {
    return this.#tokens[this.#at] ?? { is: "end", text: "" };
  }
  #take(): Token {
    const token = this.#next;
    this.#at += 1;
    return token;
  }

  parse(): readonly Requirement[] {
    const requirements: Requirement[] = [];
    for (;;) {
      if (this.#next.is === "end") return requirements;
      if (this.#next.is !== "word" && !isSymbol(this.#next, "!"))
        throw new SelectorError(
          `found '${this.#next.text}', expected: !, identifier, or 'end of string'`,
        );
      requirements.push(this.#wrapped());
      const after = this.#take();
      if (after.is === "end") return requirements;
      if (!isSymbol(after, ","))
        throw new SelectorError(`found '${after.text}', expected: ',' or 'end of string'`);
      if (this.#next.is !== "word" && !isSymbol(this.#next, "!"))
        throw new SelectorError(`found '${this.#next.text}', expected: identifier after ','`);
    }
  }

  #wrapped(): Requirement {
    try {
      return this.#requirement();
    } catch (error) {
      if (!(error instanceof SelectorError)) throw error;
      throw new SelectorError(`unable to parse requirement: ${error.message}`);
    }
  }

  #requirement(): Requirement {
    const isNegated = isSymbol(this.#next, "!");
    if (isNegated) this.#take();
    const key = this.#take();
    if (key.is !== "word") throw new SelectorError(`found '${key.text}', expected: identifier`);
    checkKey(key.text);
    if (isNegated) return { key: key.text, operator: "!", values: [] };
    if (endsRequirement(this.#next)) return { key: key.text, operator: "exists", values: [] };
    const word = this.#take().text;
    const operator = operators.get(word);
    if (operator === undefined)
      throw new SelectorError(`found '${word}', expected: ${binaryOperators}`);
    const isSet = operator === "in" || operator === "notin";
    const values = sorted(isSet ? this.#set() : [this.#value()]);
    checkValues(key.text, operator, values);
    return { key: key.text, operator, values };
  }

  #value(): string {
    if (endsRequirement(this.#next)) return "";
    const token = this.#take();
    if (token.is === "word") return token.text;
    throw new SelectorError(`found '${token.text}', expected: identifier`);
  }

  /** "(a, b)"; nothing between two commas, or between a bracket and a comma, is an empty value. */
  #set(): readonly string[] {
    const open = this.#take();
    if (!isSymbol(open, "(")) throw new SelectorError(`found '${open.text}' expected: '('`);
    const values: string[] = [];
    for (;;) {
      if (this.#next.is === "word") values.push(this.#take().text);
      else if (isSymbol(this.#next, ",") || isSymbol(this.#next, ")")) values.push("");
      else {
        const expected = values.length === 0 ? "',', ')' or identifier" : "',', or identifier";
        throw new SelectorError(`found '${this.#next.text}', expected: ${expected}`);
      }
      const after = this.#take();
      if (isSymbol(after, ")")) return values;
      if (!isSymbol(after, ","))
        throw new SelectorError(`found '${after.text}', expected: ',' or ')'`);
    }
  }
}

const byKey = (a: Requirement, b: Requirement): number =>
  a.key < b.key ? -1 : a.key > b.key ? 1 : 0;

/** "app=web,tier in (a, b),!old". An empty text selects everything. Throws SelectorError. */
export const parseLabelSelector = (text: string): readonly Requirement[] =>
  new SelectorParser(text).parse().toSorted(byKey);

function matchesOne({ key, operator, values }: Requirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case "=":
    case "==":
    case "in":
      return value !== undefined && values.includes(value);
    case "!=":
    case "notin":
      return value === undefined || !values.includes(value);
    case "exists":
      return value !== undefined;
    case "!":
      return value === undefined;
    case "gt":
    case "lt":
      return isBeyond(operator, value, values[0] ?? "");
  }
}

function isBeyond(operator: "gt" | "lt", value: string | undefined, limit: string): boolean {
  if (value === undefined || !/^[+-]?\d+$/.test(value)) return false;
  const difference = BigInt(value.replace("+", "")) - BigInt(limit.replace("+", ""));
  return operator === "gt" ? difference > 0n : difference < 0n;
}

const noLabels: Labels = {};

export const matchesRequirements = (
  requirements: readonly Requirement[],
  labels: Labels | undefined,
): boolean => requirements.every((one) => matchesOne(one, labels ?? noLabels));

function formatOne({ key, operator, values }: Requirement): string {
  switch (operator) {
    case "exists":
      return key;
    case "!":
      return `!${key}`;
    case "in":
    case "notin":
      return `${key} ${operator} (${values.join(",")})`;
    case "gt":
    case "lt":
      return `${key}${operator === "gt" ? ">" : "<"}${values.join(",")}`;
    default:
      return `${key}${operator}${values.join(",")}`;
  }
}

export const formatRequirements = (requirements: readonly Requirement[]): string =>
  requirements.map(formatOne).join(",");

const objectOperators: ReadonlyMap<string, SelectorOperator> = new Map([
  ["In", "in"],
  ["NotIn", "notin"],
  ["Exists", "exists"],
  ["DoesNotExist", "!"],
]);

/** Throws SelectorError on an operator that is none of the four. */
export function requirementsOf(selector: LabelSelector): readonly Requirement[] {
  const equal = Object.entries(selector.matchLabels ?? {}).map(([key, value]): Requirement => ({
    key,
    operator: "=",
    values: [value],
  }));
  const expressions = (selector.matchExpressions ?? []).map((one): Requirement => {
    const operator = objectOperators.get(one.operator);
    if (operator === undefined)
      throw new SelectorError(`"${one.operator}" is not a valid label selector operator`);
    return { key: one.key, operator, values: sorted(one.values ?? []) };
  });
  return [...equal, ...expressions].toSorted(byKey);
}

/** An absent selector selects nothing, an empty one everything. */
export const matchesSelector = (
  selector: LabelSelector | undefined,
  labels: Labels | undefined,
): boolean => selector !== undefined && matchesRequirements(requirementsOf(selector), labels);

/** The text of an object's selector, as in a Scale's status; "<none>" where it is absent. */
export const formatLabelSelector = (selector: LabelSelector | undefined): string =>
  selector === undefined ? "<none>" : formatRequirements(requirementsOf(selector)) || "<none>";

/** Of a Service or a ReplicationController: a plain map. An empty one selects nothing. */
export const matchesMap = (selector: Labels | undefined, labels: Labels | undefined): boolean => {
  const wanted = Object.entries(selector ?? {});
  return wanted.length > 0 && wanted.every(([key, value]) => labels?.[key] === value);
};
