import { globSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { importCycles, violationsOf } from "../../hack/architecture.ts";
import { withFloors } from "../../hack/floors.ts";
import { rooms } from "../../hack/layers.ts";

const root = new URL("../../", import.meta.url).pathname;
const sources = globSync("{api,cmd,pkg,hack,test,e2e}/**/*.ts", { cwd: root }).map((path) => ({
  path,
  text: readFileSync(root + path, "utf8"),
}));

describe("the house", () => {
  it("has no import, module, global or name that its floors forbid", () => {
    expect(sources.length).toBeGreaterThan(20);
    expect(sources.flatMap(violationsOf)).toEqual([]);
  });

  it("has no circle of files, types included", () => {
    expect(importCycles(sources)).toEqual([]);
  });

  it("has floors without cycles", () => {
    const visit = (path: string, above: readonly string[]): void => {
      if (above.includes(path))
        throw new Error(`floors form a cycle: ${[...above, path].join(" → ")}`);
      for (const below of rooms.find((room) => room.path === path)?.imports ?? []) {
        visit(below, [...above, path]);
      }
    };
    for (const room of rooms) visit(room.path, []);
  });
});

describe("planted violations are found", () => {
  for (const [title, path, text, expected] of [
    [
      "a component imports another",
      "pkg/kubelet/x.ts",
      'import { a } from "../cri/a.ts";',
      "may not import pkg/cri/a.ts",
    ],
    [
      "a component opens the store",
      "pkg/scheduler/x.ts",
      'import type { S } from "../storage/storage.ts";',
      "may not import pkg/storage/storage.ts",
    ],
    [
      "a pure room uses Node",
      "pkg/machinery/x.ts",
      'import { readFileSync } from "node:fs";',
      "may not use node:fs",
    ],
    [
      "a room uses a package of another",
      "pkg/controllers/x.ts",
      'import fastify from "fastify";',
      "may not use the package fastify",
    ],
    [
      "a dynamic import hides one",
      "pkg/proxy/x.ts",
      'const c = await import("../cri/a.ts");',
      "may not import pkg/cri/a.ts",
    ],
    [
      "an export passes one on",
      "pkg/base/x.ts",
      'export { a } from "../machinery/a.ts";',
      "may not import pkg/machinery/a.ts",
    ],
    [
      "the clock comes in by the window",
      "pkg/kubelet/x.ts",
      "const now = Date.now();",
      "Date.now appears outside its door",
    ],
    [
      "a timer comes in by the window",
      "pkg/kubelet/x.ts",
      "setTimeout(() => {}, 5);",
      "setTimeout appears outside its door",
    ],
    [
      "the environment is read below cmd",
      "pkg/kubectl/x.ts",
      "const home = process.env.HOME;",
      "process.env appears outside its door",
    ],
    ["an attic", "pkg/base/utils/x.ts", "", '"utils" says nothing'],
    ["a barrel", "pkg/base/index.ts", "", '"index" says nothing'],
    ["a file in no room", "pkg/attic/x.ts", "", "is in no room"],
    [
      "an import without its ending",
      "pkg/base/x.ts",
      'import { a } from "./a";',
      "imports name their file",
    ],
    [
      "a comment runs off the page",
      "pkg/base/x.ts",
      `/** ${"word ".repeat(20)}*/`,
      "line 1 is over 100 columns",
    ],
    [
      "code runs off the page",
      "cmd/x.ts",
      `\nconst sum = ${"one + ".repeat(20)}one;`,
      "line 2 is over 100 columns",
    ],
    [
      "code beside a literal runs off the page",
      "hack/x.ts",
      `const sum = ${"one + ".repeat(20)}"one";`,
      "line 1 is over 100 columns",
    ],
  ] as const) {
    it(title, () => expect(violationsOf({ path, text }).join("\n")).toContain(expected));
  }

  it("two files import each other's types", () => {
    const files = [
      { path: "pkg/base/a.ts", text: 'import type { B } from "./deep/b.ts";' },
      { path: "pkg/base/deep/b.ts", text: 'import {\n  type A,\n} from "../a.ts";' },
      { path: "pkg/base/c.ts", text: 'import { a } from "./a.ts";' },
    ];
    expect(importCycles(files)).toEqual(["pkg/base/a.ts → pkg/base/deep/b.ts → pkg/base/a.ts"]);
  });

  it("a circle goes by way of exports, dynamic imports and other rooms", () => {
    const files = [
      { path: "cmd/a.ts", text: 'export { b } from "../pkg/base/b.ts";' },
      { path: "pkg/base/b.ts", text: 'const c = await import("./c.ts");' },
      { path: "pkg/base/c.ts", text: 'let d: import("../../cmd/a.ts").D;' },
    ];
    expect(importCycles(files)).toEqual(["cmd/a.ts → pkg/base/b.ts → pkg/base/c.ts → cmd/a.ts"]);
  });

  it("what shares a third file is no circle", () => {
    const files = [
      { path: "pkg/base/a.ts", text: 'import { b } from "./b.ts";\nimport { c } from "./c.ts";' },
      { path: "pkg/base/b.ts", text: 'import { c } from "./c.ts";' },
      { path: "pkg/base/c.ts", text: "" },
    ];
    expect(importCycles(files)).toEqual([]);
  });

  it("a literal that cannot be broken may run on", () => {
    const word = "word".repeat(30);
    for (const text of [`say("${word}");`, `const x = \`${word}\`;`, `const x =\n  /${word}/g;`])
      expect(violationsOf({ path: "cmd/x.ts", text })).toEqual([]);
  });

  it("comments may speak of doors", () => {
    expect(violationsOf({ path: "pkg/base/x.ts", text: "// Date.now is the clock's\n" })).toEqual(
      [],
    );
  });
});

it("ARCHITECTURE.md shows the floors as they are (node hack/floors.ts draws them)", () => {
  const document = readFileSync(`${root}ARCHITECTURE.md`, "utf8");
  expect(withFloors(document)).toBe(document);
});
