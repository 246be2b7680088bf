import assert from "node:assert/strict";
import { describe, it } from "vitest";
import { isReason } from "../../machinery/status-error.ts";
import { parseAccept } from "./media-type.ts";

const table = "application/json;as=Table;v=v1;g=meta.k8s.io";
const oldTable = "application/json;as=Table;v=v1beta1;g=meta.k8s.io";
const partial =
  "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

describe("the first format that the client accepts and we have", () => {
  for (const [accept, expected] of [
    ["", "json object"],
    ["*/*", "json object"],
    ["application/json, */*", "json object"],
    ["application/vnd.kubernetes.protobuf,application/json", "protobuf object"],
    [`${table},${oldTable},application/json`, "json table"],
    [`${oldTable},application/json`, "json object"],
    [`${partial},application/json`, "protobuf metadata"],
    ["application/cbor, application/yaml", "yaml object"],
    ["application/json;q=0, application/yaml", "yaml object"],
  ] as const) {
    it(accept === "" ? "none given" : accept, () => {
      const { encoding, view } = parseAccept(accept, true);
      assert.equal(`${encoding} ${view}`, expected);
    });
  }

  it("passes protobuf by for kinds that have none", () => {
    const accept = "application/vnd.kubernetes.protobuf,application/json";
    assert.deepEqual(parseAccept(accept, false), { encoding: "json", view: "object" });
  });

  it("has no table of what is no stored object, unless something else will do", () => {
    const table = "application/json;as=Table;v=v1;g=meta.k8s.io";
    assert.throws(() => parseAccept(table, true, ["object"]), /only the following media types/);
    assert.equal(parseAccept(`${table},application/json`, true, ["object"]).view, "object");
  });

  // The second is a word that every JavaScript object knows.
  for (const accept of ["text/html", "constructor"])
    it(`refuses what it cannot write: ${accept}`, () => {
      assert.throws(
        () => parseAccept(accept, true),
        (error) => isReason(error, "NotAcceptable"),
      );
    });
});
