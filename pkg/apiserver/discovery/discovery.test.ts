import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { describe, it } from "vitest";
import { allResources } from "../../../api/resources.ts";
import { aggregatedDiscovery, apiGroupList, apiResourceList, groupsOf } from "./discovery.ts";

const folder = process.env["KUBERNETES_API"] ?? "../shared/kubernetes-api";
const published = `${folder}/discovery`;
const isThere = existsSync(published);
const read = (name: string): unknown => JSON.parse(readFileSync(`${published}/${name}`, "utf8"));

interface Named {
  readonly name?: string;
  readonly versions?: readonly { readonly version: string }[];
}

describe("discovery says what upstream's says of the kinds that are served", () => {
  if (!isThere) console.log(`skipped: no published discovery documents in ${published}`);

  for (const { group, versions } of groupsOf(allResources)) {
    for (const version of versions) {
      const file = group === "" ? `api__${version}.json` : `apis__${group}__${version}.json`;
      it.skipIf(!isThere)(file, () => {
        const ours = apiResourceList(allResources, group, version);
        assert.deepEqual(JSON.parse(JSON.stringify(ours)), read(file));
      });
    }
  }

  it.skipIf(!isThere)("apis.json, but for the versions that are not GA", () => {
    const served = new Map(groupsOf(allResources).map((one) => [one.group, one.versions]));
    const { groups, ...rest } = read("apis.json") as { readonly groups: readonly Named[] };
    const wanted = groups
      .filter(({ name = "" }) => served.has(name))
      .map((one) => ({
        ...one,
        versions: one.versions?.filter(({ version }) =>
          served.get(one.name ?? "")?.includes(version),
        ),
      }));
    assert.deepEqual(JSON.parse(JSON.stringify(apiGroupList(allResources))), {
      ...rest,
      groups: wanted,
    });
  });

  it.skipIf(!isThere)("aggregated_v2.json, but for the versions that are not GA", () => {
    const ours = new Map(
      aggregatedDiscovery(allResources, false).items.map((one) => [one.metadata.name, one]),
    );
    const { items } = read("aggregated_v2.json") as {
      readonly items: readonly { metadata: Named; versions: readonly { version: string }[] }[];
    };
    for (const { metadata, versions } of items) {
      const own = ours.get(metadata.name ?? "");
      for (const wanted of versions) {
        const found = own?.versions.find(({ version }) => version === wanted.version);
        if (found === undefined) continue;
        assert.deepEqual(JSON.parse(JSON.stringify(found)), withoutNulls(wanted));
      }
    }
  });
});

const withoutNulls = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_key, one: unknown) => (one === null ? undefined : one)));
