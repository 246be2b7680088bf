import { describe, expect, it } from "vitest";
import { evaluateJsonPath, parseJsonPath } from "./json-path.ts";
import { jsonText } from "./json-text.ts";
import { objectPrinter } from "./output.ts";
import { sortByPath } from "./sort-by-path.ts";
import { ColumnPrinter, tableCells } from "./table.ts";

const pods = {
  items: [
    {
      metadata: { name: "a", labels: { "k8s.io/x": "1" } },
      status: { phase: "Running" },
      n: [1, 2],
    },
    { metadata: { name: "b" }, status: { phase: "Pending" }, n: [3] },
  ],
};

describe("JSONPath", () => {
  for (const [template, text] of [
    ["{.items[*].metadata.name}", "a b"],
    ["{.items[0].metadata.name}", "a"],
    ["{.items[-1].metadata.name}", "b"],
    ["{.items[0:1].metadata.name}", "a"],
    ["{.items[0].metadata.labels.k8s\\.io/x}", "1"],
    ["{.items[0].metadata.labels['k8s.io/x']}", "1"],
    ["{..name}", "a b"],
    ['{.items[?(@.status.phase=="Running")].metadata.name}', "a"],
    [
      '{range .items[*]}{.metadata.name}{"\\t"}{.status.phase}{"\\n"}{end}',
      "a\tRunning\nb\tPending\n",
    ],
    ["{.items[0].status}", '{"phase":"Running"}'],
    ["{.items[0].nope}", ""],
    ["name: {.items[0].metadata.name}!", "name: a!"],
  ] as const)
    it(template, () => expect(evaluateJsonPath(parseJsonPath(template), pods)).toBe(text));

  for (const template of ["{range .items[*]}", "{.a", "{.items[}"])
    it(`refuses ${template}`, () => expect(() => parseJsonPath(template)).toThrow("jsonpath"));
});

const printed = (format: string, object: unknown): Promise<string> | undefined =>
  objectPrinter(format, () => "pod/a")?.(object);

describe("output formats", () => {
  it("orders keys and escapes as Go", () =>
    expect(jsonText({ b: "<&>", a: { d: 1, c: undefined } })).toBe(
      '{"a":{"d":1},"b":"\\u003c\\u0026\\u003e"}',
    ));
  it("leaves managed fields out", async () => {
    const object = { metadata: { name: "a", managedFields: [{}] } };
    expect(await printed("yaml", object)).toBe("metadata:\n  name: a\n");
    expect(await printed("json", { items: [object] })).not.toContain("managedFields");
  });
  it("prints custom columns, lists joined", async () =>
    expect(await printed("custom-columns=N:.metadata.name,X:.n[*],Y:.none", pods)).toBe(
      "N     X     Y\na     1,2   <none>\nb     3     <none>\n",
    ));
  it("separates documents of one stream", async () => {
    const printer = objectPrinter("yaml", () => "");
    expect(`${await printer?.({ a: 1 })}${await printer?.({ b: 2 })}`).toBe("a: 1\n---\nb: 2\n");
  });
  it("names the formats that there are", () =>
    expect(() => objectPrinter("foo", () => "")).toThrow(
      'unable to match a printer suitable for the output format "foo", allowed formats are: ',
    ));
});

describe("tables", () => {
  const table = {
    kind: "Table",
    columnDefinitions: [{ name: "Name" }, { name: "Ready" }, { name: "IP", priority: 1 }],
    rows: [
      {
        cells: ["web", "1/1", "10.0.0.1"],
        object: { metadata: { namespace: "n", labels: { b: "2", a: "1" } } },
      },
    ],
  } as const;
  const plain = { wide: false, withNamespace: false, showLabels: false, labelColumns: [] };
  for (const [title, options, cells] of [
    [
      "hides wide columns",
      {},
      [
        ["NAME", "READY"],
        ["web", "1/1"],
      ],
    ],
    [
      "shows them with -o wide",
      { wide: true },
      [
        ["NAME", "READY", "IP"],
        ["web", "1/1", "10.0.0.1"],
      ],
    ],
    [
      "names the namespace",
      { withNamespace: true },
      [
        ["NAMESPACE", "NAME", "READY"],
        ["n", "web", "1/1"],
      ],
    ],
    [
      "shows labels",
      { showLabels: true },
      [
        ["NAME", "READY", "LABELS"],
        ["web", "1/1", "a=1,b=2"],
      ],
    ],
    [
      "shows label columns",
      { labelColumns: ["x/a"] },
      [
        ["NAME", "READY", "A"],
        ["web", "1/1", ""],
      ],
    ],
    [
      "names the kind",
      { kindPrefix: "pod" },
      [
        ["NAME", "READY"],
        ["pod/web", "1/1"],
      ],
    ],
  ] as const)
    it(title, () => expect(tableCells(table, { ...plain, ...options })).toEqual(cells));

  it("makes no column narrower than six, and pads none at the end", () =>
    expect(
      new ColumnPrinter().lines([
        ["a", "0", "5s"],
        ["bcd", "1", "6s"],
      ]),
    ).toBe("a     0     5s\nbcd   1     6s\n"));
  it("keeps the widths of earlier lines", () => {
    const printer = new ColumnPrinter();
    printer.lines([["a-long-name", "x"]]);
    expect(printer.lines([["a", "x"]])).toBe("a             x\n");
  });
  it("sorts numbers in names by value", () =>
    expect(sortByPath(["p10", "p9"], ".n", (n) => ({ n }))).toEqual(["p9", "p10"]));
});
