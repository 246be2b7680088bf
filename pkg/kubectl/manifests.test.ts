import { describe, expect, it } from "vitest";
import { parseManifests, readManifests } from "./manifests.ts";
import { filesOf } from "./testing/text-files.ts";

const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n";
const namesOf = async (text: string) =>
  (await parseManifests(text, "f.yaml")).map(({ object }) => object.metadata?.name);

describe("a manifest's text", () => {
  it("holds several documents, empty ones and lists", async () => {
    const list =
      "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: b}}\n";
    expect(await namesOf(`---\n${pod}---\n\n---\n${list}`)).toEqual(["a", "b"]);
  });
  it("may be JSON", async () =>
    expect(await namesOf('{"apiVersion":"v1","kind":"Pod","metadata":{"name":"j"}}')).toEqual([
      "j",
    ]));
  it("reads booleans as YAML 1.1 does", async () => {
    const [found] = await parseManifests(`${pod}immutable: yes\n`, "f.yaml");
    expect(found?.object["immutable"]).toBe(true);
  });

  for (const [title, text, message] of [
    ["a wrong indent", `${pod}  x: y\n`, /^error parsing f\.yaml: line 4, column \d+: /],
    ["an open bracket", "a: [1\nb: 2\n", /^error parsing f\.yaml: line \d+, column \d+: /],
    [
      "an error in the second document",
      `${pod}---\na: [1\nb: 2\n`,
      /f\.yaml: line [56], column \d+/,
    ],
    ["bad JSON", '{"a": 1,\n "b" 2}', /^error parsing f\.yaml: line 2, column \d+: /],
    ["no apiVersion", "kind: Pod\n", /"f\.yaml": .*apiVersion not set \(line 1\)/],
    ["no kind", "\n\napiVersion: v1\n", /kind not set \(line 3\)/],
    ["neither", "metadata: {}\n", /\[apiVersion not set, kind not set\]/],
    ["a list", "- a\n", /invalid object to validate/],
    ["a text", "hello\n", /invalid object to validate/],
  ] as const)
    it(`with ${title} is refused`, () =>
      expect(parseManifests(text, "f.yaml")).rejects.toThrow(message));
});

describe("paths", () => {
  const files = filesOf({
    "one.yaml": pod,
    "dir/b.yml": pod.replace("name: a", "name: b"),
    "dir/a.json": '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"c"}}',
    "dir/notes.txt": "not a manifest",
    "dir/inner/d.yaml": pod.replace("name: a", "name: d"),
    "none/x.txt": "",
  });
  const read = async (paths: readonly string[], recursive = false) =>
    (await readManifests(paths, recursive, files)).map(({ object, source }) => [
      source,
      object.metadata?.name,
    ]);
  it("are files, or folders one deep", async () => {
    expect(await read(["one.yaml"])).toEqual([["one.yaml", "a"]]);
    expect(await read(["dir"])).toEqual([
      ["dir/a.json", "c"],
      ["dir/b.yml", "b"],
    ]);
  });
  it("are read to the bottom with -R", async () =>
    expect((await read(["dir/"], true)).map(([source]) => source)).toContain("dir/inner/d.yaml"));
  it("may be standard input", async () => expect(await read(["-"])).toEqual([]));
  it("must be there", () => expect(read(["nope"])).rejects.toThrow('"nope" does not exist'));
  it("must hold manifests", () =>
    expect(read(["none"])).rejects.toThrow("recognized file extensions are [.json .yaml .yml]"));
  it("must be given", () => expect(read([])).rejects.toThrow("must specify one of -f and -k"));
});
