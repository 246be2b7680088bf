import { describe, expect, it } from "vitest";
import { StatusError } from "../machinery/status-error.ts";
import { diffCommand, diffFileName, withoutSecrets } from "./diff-plan.ts";
import {
  editorCommand,
  objectsText,
  planEdits,
  refusalOf,
  withHead,
  withoutComments,
  type EditedObject,
} from "./edit-plan.ts";

const configMap = (name: string, data: object): EditedObject =>
  ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data }) as EditedObject;
const secret = (data: object): EditedObject =>
  ({ apiVersion: "v1", kind: "Secret", metadata: { name: "s" }, data }) as EditedObject;

describe("an edit", () => {
  it("sends only what was changed", () => {
    const [a, b] = [configMap("a", { x: "1" }), configMap("b", {})];
    const edits = planEdits([a, b], [configMap("a", { x: "2" }), b]);
    expect(edits.map(({ patch }) => patch?.body)).toEqual([{ data: { x: "2" } }, undefined]);
  });
  it("makes no other object of one", () => {
    const a = configMap("a", {});
    expect(() => planEdits([a], [configMap("b", {})])).toThrow("apiVersion, kind and name");
    expect(() => planEdits([a], [])).toThrow("number of objects");
  });
  it("shows what was wrong, where it is not read again", () => {
    const error = new StatusError("Invalid", "bad", {
      causes: [{ reason: "FieldValueInvalid", field: "data", message: "too\nlong" }],
    });
    const text = objectsText([configMap("a", { x: "1" })], "yaml");
    const shown = withHead(text, "yaml", [refusalOf('configmaps "a"', error)]);
    expect(shown).toContain('# configmaps "a" was not valid:\n# * data: too\n# long\n#\n');
    expect(withoutComments(shown)).toBe(text);
    expect(withHead("{}", "json", [])).toBe("{}");
  });
  it("leaves quoted words to a shell", () => {
    expect(editorCommand("code --wait", "/f")).toEqual(["code", "--wait", "/f"]);
    expect(editorCommand("vi -c 'set x'", "/f")).toEqual(["/bin/sh", "-c", `vi -c 'set x' "/f"`]);
  });
});

describe("a diff", () => {
  it("shows that a Secret's value changed, and no value", () => {
    const { live, merged } = withoutSecrets({
      live: secret({ a: "1", b: "2" }),
      merged: secret({ a: "1", b: "3", c: "4" }),
    });
    expect(live?.["data"]).toEqual({ a: "***", b: "*** (before)" });
    expect(merged?.["data"]).toEqual({ a: "***", b: "*** (after)", c: "***" });
  });
  it("names files after their objects", () => {
    const kind = { group: "apps", version: "v1", kind: "Deployment" };
    expect(diffFileName(kind, "default", "web")).toBe("apps.v1.Deployment.default.web");
  });
  it("takes another program, but nothing that a shell would read", () => {
    expect(diffCommand(undefined)).toEqual(["diff", "-u", "-N"]);
    expect(diffCommand("mine -x --a=b ;rm")).toEqual(["mine", "-x", "--a=b"]);
  });
});
