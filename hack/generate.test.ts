import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { allResources } from "../api/resources.ts";
import { prose } from "../api/prose.ts";
import { schemaTables } from "../api/schema.ts";
import { kubernetesSchema } from "../pkg/machinery/schema.ts";
import { generate } from "./generate.ts";
import { constantName } from "./generate/emit-resources.ts";
import { parseProto } from "./generate/proto-file.ts";

const root = join(import.meta.dirname, "..");
const source = join(root, "../shared/kubernetes-api");
const isHere = existsSync(source);
if (!isHere) console.log(`generate: skipped: upstream's definitions are not here (${source})`);

describe.skipIf(!isHere)("what is generated", () => {
  it("is what is committed", () => {
    for (const [path, text] of generate(source))
      expect(readFileSync(join(root, path), "utf8"), path).toBe(text);
  });
});

describe("the message tables", () => {
  it("can all be read, and refer only to one another", () => {
    for (const [group, table] of Object.entries(schemaTables))
      for (const name of Object.keys(table))
        for (const { type, isMessage } of kubernetesSchema.message(`${group}.${name}`)?.fields ??
          [])
          if (isMessage) expect(kubernetesSchema.message(type), type).toBeDefined();
  });
  it("have the kind of every resource, and prose has a sentence for it", () => {
    for (const { schema } of allResources) {
      expect(kubernetesSchema.message(schema)?.properties.has("metadata"), schema).toBe(true);
      expect(prose[schema]?.[""], schema).toBeDefined();
    }
  });
  it("have every field that prose speaks of", () => {
    for (const [key, fields] of Object.entries(prose))
      for (const field of Object.keys(fields))
        if (field !== "")
          expect(kubernetesSchema.message(key)?.properties.has(field), `${key}.${field}`).toBe(
            true,
          );
  });
});

describe("the name of a resource's constant", () => {
  for (const [kind, name, constant] of [
    ["ConfigMap", "configmaps", "configMaps"],
    ["Endpoints", "endpoints", "endpoints"],
    ["NetworkPolicy", "networkpolicies", "networkPolicies"],
    ["APIService", "apiservices", "apiServices"],
    ["CSIDriver", "csidrivers", "csiDrivers"],
    ["ComponentStatus", "componentstatuses", "componentStatuses"],
    ["IPAddress", "ipaddresses", "ipAddresses"],
  ] as const)
    it(constant, () => expect(constantName({ kind, name })).toBe(constant));
});

describe("a .proto file", () => {
  it("is read", () => {
    const file = parseProto(`
syntax = "proto3";
package a.v1; // a comment
service S {
    rpc Get(Request) returns (stream Answer) {}
}
message Request {}
message Answer{
  enum Kind { ONE = 0; }
  oneof either {
    string text = 1;
    .b.v1.Other other = 2 [deprecated=true];
  }
  map<string, Request> all = 3;
  repeated int64 numbers = 4;
}
`);
    expect(file).toMatchObject({
      package: "a.v1",
      proto3: true,
      rpcs: [{ service: "S", name: "Get", request: "Request", response: "Answer", streams: true }],
      messages: [
        { name: "Request", fields: [] },
        {
          name: "Answer",
          fields: [
            { name: "text", number: 1, type: "string", oneof: "either" },
            { name: "other", number: 2, type: "b.v1.Other", oneof: "either" },
            { name: "all", number: 3, type: "a.v1.Request", mapKey: "string" },
            { name: "numbers", number: 4, type: "int64", repeated: true },
          ],
        },
      ],
    });
  });
});
