import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { prereleaseTables } from "../../api/prerelease-schema.ts";
import { schemaTables } from "../../api/schema.ts";
import { Decoder, strictDecodingError } from "./decode.ts";
import { duplicateFields } from "./duplicate-fields.ts";
import { formatJson } from "./json.ts";
import { kubernetesDecoder } from "./kubernetes-decoder.ts";
import { schemaKeyOf } from "./schema-key.ts";
import { schemaOfTables } from "./schema.ts";

const container = { name: "web", image: "nginx" };
const podWith = (spec: object): unknown => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "a" },
  spec: { containers: [container], ...spec },
});

describe("a decoded object", () => {
  it("has what Go always writes, and none of what it leaves out", () => {
    const pod = podWith({
      nodeName: null,
      hostNetwork: false,
      volumes: [],
      nodeSelector: {},
      securityContext: {},
      terminationGracePeriodSeconds: 0,
      overhead: { cpu: "1000m", memory: 1024 },
    });
    expect(kubernetesDecoder.decode("core.v1.Pod", pod).object).toEqual({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "a" },
      spec: {
        containers: [{ name: "web", image: "nginx", resources: {} }],
        securityContext: {},
        terminationGracePeriodSeconds: 0,
        overhead: { cpu: "1", memory: "1024" },
      },
      status: {},
    });
  });

  it("names unknown fields and drops them", () => {
    const pod = podWith({ foo: 1, containers: [{ ...container, imagee: "x", Image: "y" }] });
    const { object, unknownFields } = kubernetesDecoder.decode("core.v1.Pod", pod);
    expect(strictDecodingError(unknownFields, ["spec"])).toBe(
      'strict decoding error: duplicate field "spec", unknown field "spec.containers[0].imagee", ' +
        'unknown field "spec.containers[0].Image", unknown field "spec.foo"',
    );
    expect(object).not.toHaveProperty("spec.foo");
  });

  it("keeps a key that would set a prototype", () => {
    const text = '{"metadata":{"labels":{"__proto__":"x"}}}';
    const { object } = kubernetesDecoder.decode("core.v1.Pod", JSON.parse(text));
    expect(JSON.stringify(object)).toContain('"__proto__":"x"');
  });
});

describe("a value of the wrong type", () => {
  const deployment = "apps.v1.Deployment";
  for (const [key, value, message] of [
    [
      deployment,
      { spec: { replicas: "three" } },
      "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
    ],
    [
      deployment,
      { spec: { replicas: 1.5 } },
      "json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32",
    ],
    [
      deployment,
      { spec: { template: { spec: { containers: [{ name: 5 }] } } } },
      "json: cannot unmarshal number into Go struct field Container.spec.template.spec.containers.name of type string",
    ],
    [
      "core.v1.Pod",
      { metadata: { labels: "x" } },
      "json: cannot unmarshal string into Go struct field ObjectMeta.metadata.labels of type map[string]string",
    ],
    ["core.v1.Pod", [], "json: cannot unmarshal array into Go value of type v1.Pod"],
    [
      "core.v1.Pod",
      { spec: { overhead: { cpu: "abc" } } },
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ],
    ["core.v1.Secret", { data: { a: "??" } }, "illegal base64 data at input byte 0"],
    [
      "core.v1.Pod",
      { metadata: { creationTimestamp: "x" } },
      'parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"',
    ],
  ] as const)
    it(message, () => {
      expect(() => kubernetesDecoder.decode(key, value)).toThrow(message);
    });
});

describe("duplicate fields", () => {
  for (const [text, paths] of [
    ['{"a":1,"b":{"c":[{"d":1,"d":2}],"c":3},"a":2}', ["b.c[0].d", "b.c", "a"]],
    ['{"a":"\\"a\\":1","b":[1,{"a":1}],"c":-1.5e3}', []],
    ['{"a":[],"b":{},"\\u0061":null}', ["a"]],
  ] as const)
    it(text, () => expect(duplicateFields(text)).toEqual(paths));
});

const vectors = join(import.meta.dirname, "../../../shared/kubernetes-api/vectors/roundtrip");
const isHere = existsSync(vectors);
if (!isHere) console.log(`decoding: skipped: upstream's vectors are not here (${vectors})`);

describe.skipIf(!isHere)("one object of every kind", () => {
  const schema = schemaOfTables({ ...schemaTables, ...prereleaseTables });
  const decoder = new Decoder(schema);
  const names = isHere ? readdirSync(vectors).filter((name) => name.endsWith(".json")) : [];
  for (const name of names)
    it(`${name} is decoded without a change`, () => {
      const text = readFileSync(join(vectors, name), "utf8");
      const value = JSON.parse(text);
      const key = schemaKeyOf(value.apiVersion ?? "v1", value.kind ?? "", schema);
      const decoded = decoder.decode(key ?? "meta.v1.WatchEvent", value);
      expect(decoded.unknownFields).toEqual([]);
      expect(formatJson(decoded.object)).toBe(text);
    });
});
