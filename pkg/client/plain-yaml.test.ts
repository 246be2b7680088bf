import { expect, it } from "vitest";
import { parse } from "yaml";
import { parsePlainYaml } from "./plain-yaml.ts";

const written = `apiVersion: "v1"
kind: "Config"
clusters:
  - name: "tskube"
    cluster:
      certificate-authority-data: "LS0t=="
      server: "https://127.0.0.1:6443"
users:
- name: admin
  user:
    client-key-data: LS0tLS1CRUdJTiBFQw==
preferences: {}
contexts: []
# a comment
current-context: kubernetes-admin@tskube
`;

it("reads what tskube and kubectl write, as the library does", () => {
  expect(parsePlainYaml(written)).toEqual(parse(written));
});

for (const [title, text] of [
  ["a folded text", "a: >\n  b\n"],
  ["an anchor", "a: &x b\nc: *x\n"],
  ["a flow mapping", "a: {b: c}\n"],
  ["a number", "a: 1\n"],
  ["null", "a: null\n"],
  ["a word that is a boolean to some", "a: yes\n"],
  ["a comment behind a value", "a: b # c\n"],
  ["a key twice", "a: b\na: c\n"],
  ["a mapping out of line", "a: b\n  c: d\n"],
  ["a tab", "a:\n\tb: c\n"],
  ["single quotes", "a: 'b'\n"],
  ["several documents", "a: b\n---\na: c\n"],
  ["an empty value", "a:\nb: c\n"],
  ["nothing", ""],
] as const)
  it(`leaves ${title} to the library`, () => expect(parsePlainYaml(text)).toBeUndefined());
