import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { allResources } from "../../api/resources.ts";
import { openApiPath, openApiV2, openApiV3 } from "./openapi.ts";
import { encodeOpenApiV2 } from "./openapi-protobuf.ts";

const options = { version: "v1.37.0" };
type Json = Readonly<Record<string, unknown>>;
type Schemas = Readonly<Record<string, Json>>;

/** Facts without prose; a property may itself be called "description". */
function withoutProse(value: unknown, isProperties = false): unknown {
  if (Array.isArray(value)) return value.map((one) => withoutProse(one));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => isProperties || name !== "description")
      .map(([name, one]) => [name, withoutProse(one, name === "properties")]),
  );
}

const folder = join(import.meta.dirname, "../../../shared/kubernetes-api/openapi");
const isHere = existsSync(folder);
if (!isHere) console.log(`OpenAPI: skipped: upstream's documents are not here (${folder})`);

/**
 * Upstream names kinds here that our server does not serve, and wraps references only beside prose.
 */
const differing = /\.(DeleteOptions|WatchEvent|JSONSchemaProps)$/;

const groups = Map.groupBy(allResources, openApiPath);

describe.skipIf(!isHere)("version 3 says what upstream says", () => {
  for (const [path, refs] of groups)
    it(path, () => {
      const name = `${path.replaceAll("/", "__")}_openapi.json`;
      const upstream = JSON.parse(readFileSync(join(folder, "v3", name), "utf8"));
      const { components, paths } = openApiV3(refs, options) as {
        components: { schemas: Schemas };
        paths: Json;
      };
      for (const [key, schema] of Object.entries(components.schemas))
        if (!differing.test(key))
          expect(withoutProse(schema), key).toEqual(withoutProse(upstream.components.schemas[key]));
      const named = Object.keys(upstream.paths).filter(
        (one) => !/\/watch\/|\{path\}|\/$/.test(one),
      );
      expect(Object.keys(paths).toSorted()).toEqual(named.toSorted());
    });
  it("knows every document of a GA version", () => {
    const upstream = readdirSync(join(folder, "v3")).filter((name) => /__v\d+_openapi/.test(name));
    expect(
      [...groups.keys()].map((path) => `${path.replaceAll("/", "__")}_openapi.json`).toSorted(),
    ).toEqual(upstream.toSorted());
  });
});

describe("version 2", () => {
  const document = openApiV2(allResources, options) as { definitions: Schemas } & Json;

  it.skipIf(!isHere)("says what upstream says", () => {
    const upstream = JSON.parse(readFileSync(join(folder, "v2/swagger.json"), "utf8"));
    for (const [key, schema] of Object.entries(document.definitions))
      if (!differing.test(key))
        expect(withoutProse(schema), key).toEqual(withoutProse(upstream.definitions[key]));
  });
  it("refers only to what it defines", () => {
    const names = [...JSON.stringify(document).matchAll(/"#\/definitions\/([^"]+)"/g)];
    for (const [, name = ""] of names) expect(document.definitions).toHaveProperty([name]);
  });
  it("goes into protobuf", () => {
    expect(encodeOpenApiV2(document).length).toBeGreaterThan(100_000);
  });
});
