import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { prereleaseTables } from "../../api/prerelease-schema.ts";
import { schemaTables } from "../../api/schema.ts";
import { formatJson } from "./json.ts";
import { KubernetesProtobuf } from "./kube-protobuf.ts";
import { schemaOfTables } from "./schema.ts";

const vectors = join(import.meta.dirname, "../../../shared/kubernetes-api/vectors");
const isHere = existsSync(vectors);
if (!isHere) console.log(`round trips: skipped: upstream's vectors are not here (${vectors})`);

const protobuf = new KubernetesProtobuf(schemaOfTables({ ...schemaTables, ...prereleaseTables }));
const names = isHere
  ? ["roundtrip", "roundtrip-apiextensions"].flatMap((folder) =>
      readdirSync(join(vectors, folder))
        .filter((name) => name.endsWith(".json"))
        .map((name) => join(vectors, folder, name.slice(0, -".json".length))),
    )
  : [];

/** The one message that travels without apiVersion and kind. */
const unnamed = "meta.v1.WatchEvent";

describe.skipIf(!isHere)("one object of every kind, as upstream encodes it", () => {
  for (const name of names)
    it(name.slice(vectors.length + 1), () => {
      const binary = new Uint8Array(readFileSync(`${name}.pb`));
      const text = readFileSync(`${name}.json`, "utf8");
      const object = protobuf.decode(binary, unnamed);
      expect(formatJson(object)).toBe(text);
      expect(Buffer.from(protobuf.encode(object, unnamed)).equals(binary)).toBe(true);
      const parsed = JSON.parse(text);
      expect(formatJson(parsed)).toBe(text);
      expect(Buffer.from(protobuf.encode(parsed, unnamed)).equals(binary)).toBe(true);
    });
});
