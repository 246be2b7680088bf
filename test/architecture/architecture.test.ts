import { globSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { violationsOf } from "../../hack/architecture.ts";
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
  ] as const) {
    it(title, () => expect(violationsOf({ path, text }).join("\n")).toContain(expected));
  }

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
