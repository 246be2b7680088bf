import type { KubeObject } from "../../../api/resource.ts";
import { lastAppliedKey } from "../apply-plan.ts";
import type { TabLines } from "./tab-lines.ts";

type Texts = Readonly<Record<string, string>>;

const sortedEntries = (texts: Texts | undefined): readonly (readonly [string, string])[] =>
  Object.entries(texts ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));

/** "a=b" one below the other, or <none>. */
export function writePairs(out: TabLines, level: number, title: string, texts?: Texts): void {
  const pairs = sortedEntries(texts).map(([key, value]) => `${key}=${value}`);
  out.line(level, `${title}:\t${pairs[0] ?? "<none>"}`);
  for (const pair of pairs.slice(1)) out.line(0, `\t${pair}`);
}

/** Above it a value stands on a line of its own, and no further than it. */
const annotationMax = 140;
const lineMax = annotationMax - 2;

const shortened = (text: string): string =>
  text.length > lineMax ? `${text.slice(0, lineMax)}...` : text;

/** Annotations without the one that apply keeps for itself. */
export function writeAnnotations(out: TabLines, level: number, texts?: Texts): void {
  const shown = sortedEntries(texts).filter(([key]) => key !== lastAppliedKey);
  const lines = shown.flatMap(([key, value]) =>
    value.includes("\n") || key.length + value.length + 2 > annotationMax
      ? [
          `${key}:`,
          ...value
            .replace(/\n$/, "")
            .split("\n")
            .map((line) => `  ${shortened(line)}`),
        ]
      : [`${key}: ${value}`],
  );
  out.line(level, `Annotations:\t${lines[0] ?? "<none>"}`);
  for (const line of lines.slice(1)) out.line(0, `\t${line}`);
}

/** Name, namespace, labels, annotations: how most kinds begin. */
export function writeHead(
  out: TabLines,
  { metadata }: KubeObject,
  options: { readonly withNamespace: boolean } = { withNamespace: true },
): void {
  out.line(0, `Name:\t${metadata?.name ?? ""}`);
  if (options.withNamespace) out.line(0, `Namespace:\t${metadata?.namespace ?? ""}`);
  writePairs(out, 0, "Labels", metadata?.labels);
  writeAnnotations(out, 0, metadata?.annotations);
}

export function controllerOf({ metadata }: KubeObject): string | undefined {
  const owner = metadata?.ownerReferences?.find((one) => one.controller === true);
  return owner === undefined ? undefined : `${owner.kind}/${owner.name}`;
}

interface LabelSelector {
  readonly matchLabels?: Texts;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

const operators: Readonly<Record<string, string>> = { In: "in", NotIn: "notin" };

/** "app=web,tier in (a,b),!x" */
export function selectorText(selector: LabelSelector | undefined): string {
  const labels = Object.entries(selector?.matchLabels ?? {}).map(
    ([key, value]) => [key, `${key}=${value}`] as const,
  );
  const expressions = (selector?.matchExpressions ?? []).map(({ key, operator, values }) => {
    const word = operators[operator];
    const text =
      word === undefined
        ? `${operator === "Exists" ? "" : "!"}${key}`
        : `${key} ${word} (${(values ?? []).toSorted().join(",")})`;
    return [key, text] as const;
  });
  const all = [...labels, ...expressions].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return all.length === 0 ? "<none>" : all.map(([, text]) => text).join(",");
}

export const mapText = (texts: Texts | undefined): string =>
  selectorText({ matchLabels: texts ?? {} });
