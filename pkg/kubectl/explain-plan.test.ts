import { describe, expect, it } from "vitest";
import { explainBody, wrapped, type OpenApiDocument } from "./explain-plan.ts";

const document: OpenApiDocument = {
  components: {
    schemas: {
      "org.example.Tree": {
        description: "A tree.",
        type: "object",
        required: ["kind"],
        properties: {
          kind: { type: "string", description: "Which.", enum: ["oak", "elm"] },
          size: { type: "string", enum: ["e", "d", "c", "b", "a"] },
          branches: {
            description: "What grows on it.",
            type: "array",
            items: { $ref: "#/components/schemas/org.example.Tree" },
          },
          names: { type: "object", additionalProperties: { type: "string" } },
          planted: { $ref: "#/components/schemas/org.example.Time" },
        },
        "x-kubernetes-group-version-kind": [{ group: "example.org", version: "v1", kind: "Tree" }],
      },
      "org.example.Time": { type: "string", format: "date-time" } as object,
    },
  },
};
const tree = { group: "example.org", version: "v1", kind: "Tree" };

describe("explainBody", () => {
  it("lists fields with their texts and values", () => {
    expect(explainBody(document, { ...tree, path: [], isRecursive: false })).toBe(
      [
        "DESCRIPTION:",
        "    A tree.",
        "    ",
        "FIELDS:",
        "  branches\t<[]Tree>",
        "    What grows on it.",
        "",
        "  kind\t<string> -required-",
        "  enum: elm, oak",
        "    Which.",
        "",
        "  names\t<map[string]string>",
        "    <no description>",
        "",
        "  planted\t<string>",
        "    <no description>",
        "",
        "  size\t<string>",
        "  enum: a, b, c, d, ....",
        "    <no description>",
        "",
        "",
        "",
      ].join("\n"),
    );
  });
  it("shows one field with what it holds", () => {
    expect(explainBody(document, { ...tree, path: ["branches", "kind"], isRecursive: false })).toBe(
      "FIELD: kind <string>\nENUM:\n    oak\n    elm\n\nDESCRIPTION:\n    Which.\n    \n\n",
    );
  });
  it("opens what holds itself once", () => {
    const text = explainBody(document, { ...tree, path: [], isRecursive: true }) ?? "";
    expect(text.match(/branches/g)).toHaveLength(1);
  });
  it("knows neither other kinds nor other fields", () => {
    const asked = { ...tree, path: ["nope"], isRecursive: false };
    expect(() => explainBody(document, asked)).toThrow('field "nope" does not exist');
    expect(explainBody(document, { ...asked, kind: "Bush" })).toBeUndefined();
  });
});

describe("wrapped", () => {
  for (const [title, text, columns, lines] of [
    ["breaks between words", "aa bb cc", 5, ["aa bb", "cc"]],
    ["leaves long words whole", "aaaaaaaa b", 4, ["aaaaaaaa", "b"]],
    ["joins lines", "aa\nbb", 9, ["aa bb"]],
    ["keeps lists", "of:\n- a\n- b", 9, ["of:", "- a", "- b"]],
    ["keeps paragraphs and code", "a\n\n    b  c\nd", 9, ["a", "", "    b  c", "d"]],
  ] as const) {
    it(title, () => expect(wrapped(text, columns)).toEqual(lines));
  }
});
