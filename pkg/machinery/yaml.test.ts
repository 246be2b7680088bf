import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { formatYaml, parseYaml } from "./yaml.ts";

describe("YAML", () => {
  it("is read as Go's library reads it", () => {
    const text = "a: yes\nb: 0644\nc: 2020-01-01\nd: 1:30\ne: .5\nf: &x {g: 1}\nh: *x\n";
    expect(parseYaml(text)).toEqual([
      {
        value: { a: true, b: 420, c: "2020-01-01", d: "1:30", e: 0.5, f: { g: 1 }, h: { g: 1 } },
        line: 1,
      },
    ]);
  });
  it("may hold several documents, empty ones among them", () => {
    expect(parseYaml("---\n---\na: 1\n---\n# nothing\n---\nb: 1\n")).toEqual([
      { value: { a: 1 }, line: 3 },
      { value: { b: 1 }, line: 7 },
    ]);
    expect(parseYaml("")).toEqual([]);
  });
  for (const [text, message] of [
    ["a: [1,\nb: 2", "line 2, column 1: Flow sequence in block collection"],
    ["a: 1\nb: 2\na: 2", "line 3, column 1: Map keys must be unique"],
    ["a:\n\t- b", "line 2, column 1: Tabs are not allowed as indentation"],
    ["a: 'b", "line 1, column 6: Missing closing 'quote"],
  ] as const)
    it(`${JSON.stringify(text)} names the place of the mistake`, () =>
      expect(() => parseYaml(text)).toThrow(message));
  it("quotes what others would not read as text", () =>
    expect(formatYaml({ b: "yes", a: ["1", "2020-01-01", ""], c: null })).toBe(
      'a:\n- "1"\n- "2020-01-01"\n- ""\nb: "yes"\nc: null\n',
    ));
});

const vectors = join(import.meta.dirname, "../../../shared/kubernetes-api/vectors/roundtrip");
const isHere = existsSync(vectors);
if (!isHere) console.log(`yaml: skipped: upstream's vectors are not here (${vectors})`);

describe.skipIf(!isHere)("one object of every kind", () => {
  for (const name of isHere ? readdirSync(vectors).filter((one) => one.endsWith(".yaml")) : [])
    it(`${name} is read and printed as upstream prints it`, () => {
      const text = readFileSync(join(vectors, name), "utf8");
      const json = readFileSync(join(vectors, name.replace(/yaml$/, "json")), "utf8");
      expect(parseYaml(text)[0]?.value).toEqual(JSON.parse(json));
      expect(formatYaml(JSON.parse(json))).toBe(text);
    });
});
