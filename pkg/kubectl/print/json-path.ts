/**
 * kubectl's JSONPath templates: text with {expressions}: .a.b, ['a.b'], [0], [-1], [1:3], [*], .*,
 * ..name, ?(@.x=="y"), {range …}…{end}, {"literal"}. Pure.
 */
import { UsageError } from "../../base/flags.ts";
import { jsonText } from "./json-text.ts";

type Step =
  | { readonly at: "key"; readonly name: string }
  | { readonly at: "index"; readonly index: number }
  | {
      readonly at: "slice";
      readonly from: number;
      readonly to: number | undefined;
      readonly step: number;
    }
  | { readonly at: "all" }
  | { readonly at: "deep"; readonly name: string }
  | {
      readonly at: "filter";
      readonly left: readonly Step[];
      readonly operator: string;
      readonly right: Operand;
    };
type Operand = { readonly value: unknown } | { readonly path: readonly Step[] } | undefined;

export type Template = readonly Part[];
type Part =
  | { readonly is: "text"; readonly text: string }
  | { readonly is: "path"; readonly path: readonly Step[] }
  | { readonly is: "range"; readonly path: readonly Step[]; readonly body: Template };

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };
const unescape = (text: string): string =>
  text.replace(/\\(.)/g, (_, letter: string) => escapes[letter] ?? letter);

const stepPattern =
  /^(?:\.\.([\w-]+)|\.\*|\.((?:[^\s.,[\]$@{}*\\]|\\.)+)|\[\*\]|\[(-?\d+)\]|\[(-?\d*):(-?\d*)(?::(\d+))?\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\])/;

function parseSteps(text: string): readonly Step[] {
  const steps: Step[] = [];
  let rest = text.replace(/^[$@]/, "");
  while (rest !== "" && rest !== ".") {
    const filter = /^\[\?\((.*?)\)\]/.exec(rest);
    if (filter !== null) {
      steps.push(parseFilter(filter[1] ?? ""));
      rest = rest.slice(filter[0].length);
      continue;
    }
    const match = stepPattern.exec(rest);
    if (match === null)
      throw new UsageError(`error parsing jsonpath ${text}: unexpected "${rest}"`);
    steps.push(stepOf(match));
    rest = rest.slice(match[0].length);
  }
  return steps;
}

function stepOf(match: RegExpExecArray): Step {
  const [all, deep, key, index, from, to, step, single, double] = match;
  if (deep !== undefined) return { at: "deep", name: deep };
  if (all === ".*" || all === "[*]") return { at: "all" };
  if (index !== undefined) return { at: "index", index: Number(index) };
  if (from !== undefined) {
    const end = to === undefined || to === "" ? undefined : Number(to);
    return { at: "slice", from: Number(from || 0), to: end, step: Number(step ?? 1) };
  }
  return { at: "key", name: unescape(key ?? single ?? double ?? "") };
}

function parseFilter(text: string): Step {
  const match = /^(.*?)\s*(==|!=|<=|>=|<|>)\s*(.*)$/.exec(text);
  if (match === null)
    return { at: "filter", left: parseSteps(text.trim()), operator: "exists", right: undefined };
  const [, left = "", operator = "", right = ""] = match;
  const quoted = /^(['"])(.*)\1$/.exec(right.trim());
  const operand: Operand = right.startsWith("@")
    ? { path: parseSteps(right.trim()) }
    : { value: quoted === null ? JSON.parse(right.trim()) : quoted[2] };
  return { at: "filter", left: parseSteps(left.trim()), operator, right: operand };
}

/** Throws UsageError where the template cannot be read. */
export function parseJsonPath(template: string): Template {
  const pieces =
    template.match(/\{(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^{}"'])*\}|[^{]+|\{/g) ?? [];
  const [parts, rest] = parseParts(pieces, 0, false);
  if (rest < pieces.length)
    throw new UsageError(`error parsing jsonpath ${template}: {end} without {range}`);
  return parts;
}

function parseParts(
  pieces: readonly string[],
  start: number,
  inRange: boolean,
): readonly [Template, number] {
  const parts: Part[] = [];
  for (let at = start; at < pieces.length; at++) {
    const piece = pieces[at] ?? "";
    if (!piece.startsWith("{")) {
      parts.push({ is: "text", text: piece });
      continue;
    }
    if (piece === "{") throw new UsageError("error parsing jsonpath: unclosed action");
    const inner = piece.slice(1, -1).trim();
    if (inner === "end") return inRange ? [parts, at] : [parts, at];
    const literal = /^(['"])([\s\S]*)\1$/.exec(inner);
    if (literal !== null) parts.push({ is: "text", text: unescape(literal[2] ?? "") });
    else if (inner.startsWith("range ")) {
      const [body, end] = parseParts(pieces, at + 1, true);
      if (pieces[end] === undefined)
        throw new UsageError("error parsing jsonpath: {range} without {end}");
      parts.push({ is: "range", path: parseSteps(inner.slice(6).trim()), body });
      at = end;
    } else parts.push({ is: "path", path: parseSteps(inner) });
  }
  return [parts, pieces.length];
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

function deepFind(value: unknown, name: string): readonly unknown[] {
  if (!isObject(value)) return [];
  const own = !Array.isArray(value) && name in value ? [value[name]] : [];
  return [...own, ...Object.values(value).flatMap((inner) => deepFind(inner, name))];
}

function applyStep(value: unknown, step: Step): readonly unknown[] {
  switch (step.at) {
    case "key":
      return isObject(value) && step.name in value ? [value[step.name]] : [];
    case "deep":
      return deepFind(value, step.name);
    case "all":
      return isObject(value) ? Object.values(value) : [];
    case "index":
      return Array.isArray(value) && value.at(step.index) !== undefined
        ? [value.at(step.index)]
        : [];
    case "slice":
      return Array.isArray(value)
        ? value.slice(step.from, step.to).filter((_, at) => at % step.step === 0)
        : [];
    case "filter":
      return isObject(value) ? Object.values(value).filter((item) => passes(item, step)) : [];
  }
}

function passes(
  item: unknown,
  { left, operator, right }: Extract<Step, { at: "filter" }>,
): boolean {
  const [actual] = find(item, left);
  if (operator === "exists" || right === undefined) return actual !== undefined;
  const wanted = "value" in right ? right.value : find(item, right.path)[0];
  switch (operator) {
    case "==":
      return actual === wanted;
    case "!=":
      return actual !== wanted;
    case "<":
      return Number(actual) < Number(wanted);
    case ">":
      return Number(actual) > Number(wanted);
    case "<=":
      return Number(actual) <= Number(wanted);
    default:
      return Number(actual) >= Number(wanted);
  }
}

const find = (value: unknown, path: readonly Step[]): readonly unknown[] =>
  path.reduce<readonly unknown[]>(
    (values, step) => values.flatMap((one) => applyStep(one, step)),
    [value],
  );

const show = (value: unknown): string =>
  typeof value === "string" ? value : value === undefined ? "" : jsonText(value);

/** A path as --sort-by and custom-columns take it: with or without its braces and first dot. */
export function relaxedPath(path: string): string {
  const bare = path.replace(/^\{(.*)\}$/, "$1");
  return `{${/^[.[$@]/.test(bare) ? "" : "."}${bare}}`;
}

/** What a template's first path finds, one text each. */
export const findTexts = (template: Template, value: unknown): readonly string[] =>
  template.flatMap((part) => (part.is === "path" ? find(value, part.path).map(show) : []));

export const evaluateJsonPath = (template: Template, value: unknown): string =>
  template
    .map((part) => {
      if (part.is === "text") return part.text;
      const found = find(value, part.path);
      if (part.is === "path") return found.map(show).join(" ");
      return found.map((item) => evaluateJsonPath(part.body, item)).join("");
    })
    .join("");
