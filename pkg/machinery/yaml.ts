/**
 * YAML as Kubernetes' clients read and print it: several documents in a text, YAML 1.1's booleans
 * and octal numbers (as Go's library has them), timestamps as text; printed with sorted keys.
 */
import { LineCounter, parseAllDocuments, stringify, type Tags } from "yaml";

/** Says where: "line 3, column 5: …". Lines and columns begin at 1. */
export class YamlError extends Error {
  override readonly name = "YamlError";
  /** The message without the place, for who writes places in another way. */
  readonly problem: string;
  readonly line: number;
  readonly column: number;
  constructor(problem: string, line: number, column: number) {
    super(`line ${line}, column ${column}: ${problem}`);
    this.problem = problem;
    this.line = line;
    this.column = column;
  }
}

export interface YamlDocument {
  readonly value: unknown;
  /** Where the document begins. */
  readonly line: number;
}

/** Go's library keeps these as text, or does not know them. */
const unknownTags = new Set([
  "tag:yaml.org,2002:timestamp",
  "tag:yaml.org,2002:binary",
  "tag:yaml.org,2002:omap",
  "tag:yaml.org,2002:pairs",
  "tag:yaml.org,2002:set",
]);
const withoutUnknown = (tags: Tags): Tags =>
  tags.filter(
    (tag) =>
      typeof tag === "string" ||
      (!unknownTags.has(tag.tag) && (!("format" in tag) || tag.format !== "TIME")),
  );

const options = {
  version: "1.1",
  schema: "yaml-1.1",
  customTags: withoutUnknown,
  uniqueKeys: true,
} as const;

/** The library adds where it happened and a picture of the line: we say where ourselves. */
const firstLine = (message: string): string =>
  (message.split("\n")[0] ?? "").replace(/ at line .*$/, "");

/** Empty documents are left out. Throws YamlError at the first mistake. */
export function parseYaml(text: string): readonly YamlDocument[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, {
    ...options,
    lineCounter: lines,
    prettyErrors: false,
  });
  const result: YamlDocument[] = [];
  for (const document of "empty" in documents ? [] : documents) {
    const [error] = document.errors;
    if (error !== undefined) {
      const { line, col } = lines.linePos(error.pos[0]);
      throw new YamlError(firstLine(error.message), line, col);
    }
    const value: unknown = document.toJS({ maxAliasCount: aliasesMax });
    if (value !== null && value !== undefined)
      result.push({ value, line: lines.linePos(document.contents?.range?.[0] ?? 0).line });
  }
  return result;
}

/** Above this many uses of anchors a text is taken for an attack on memory. */
const aliasesMax = 100;

/** As `kubectl -o yaml` prints: keys sorted, lists not indented, no line folded. */
export const formatYaml = (value: unknown): string =>
  stringify(value, {
    // With all tags, so that text that another reader might take for a time is quoted.
    version: "1.1",
    schema: "yaml-1.1",
    sortMapEntries: true,
    indentSeq: false,
    lineWidth: 0,
    aliasDuplicateObjects: false,
    nullStr: "null",
  });
