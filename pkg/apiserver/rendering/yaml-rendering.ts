/** YAML for people who ask the API directly; watches stay JSON, line by line. */
import type { WireBody } from "../../base/wire.ts";
import { formatYaml } from "../../machinery/yaml.ts";
import type { EntryCodec } from "../cache/entry-codec.ts";
import { jsonRendering } from "./json-rendering.ts";
import { listMetaText, type Rendering } from "./rendering.ts";
import { apiVersionOf } from "../../../api/resource.ts";

const yamlOf = (json: string): WireBody => Buffer.from(formatYaml(JSON.parse(json)));

export function yamlRendering(codec: EntryCodec): Rendering {
  const { ref } = codec.resource;
  const type = { kind: `${ref.kind}List`, apiVersion: apiVersionOf(ref) };
  return {
    ...jsonRendering(codec),
    contentType: "application/yaml",
    object: (entry) => yamlOf(entry.json.toString()),
    list: (page) => {
      const items = page.entries.map(({ json }) => JSON.parse(json.toString()) as unknown);
      const metadata = JSON.parse(listMetaText(page)) as unknown;
      return Buffer.from(formatYaml({ ...type, metadata, items }));
    },
  };
}
