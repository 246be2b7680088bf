/** The Accept header → what to send. Pure. */
import { protobufMediaType } from "../../machinery/kube-protobuf.ts";
import { StatusError } from "../../machinery/status-error.ts";

export type Encoding = "json" | "protobuf" | "yaml";
export type View = "object" | "table" | "metadata";

export interface Format {
  readonly encoding: Encoding;
  readonly view: View;
}

const json: Format = { encoding: "json", view: "object" };

const encodings: ReadonlyMap<string, Encoding> = new Map([
  ["application/json", "json"],
  ["application/yaml", "yaml"],
  [protobufMediaType, "protobuf"],
  ["*/*", "json"],
  ["application/*", "json"],
]);

const views: ReadonlyMap<string, View> = new Map([
  ["", "object"],
  ["Table", "table"],
  ["PartialObjectMetadata", "metadata"],
  ["PartialObjectMetadataList", "metadata"],
]);

/** One range of the header; undefined when we have nothing of it. */
function formatOf(range: string): Format | undefined {
  const [type = "", ...parameters] = range.split(";").map((part) => part.trim());
  const given = new Map(parameters.map((one) => one.split("=") as [string, string]));
  const encoding = encodings.get(type.toLowerCase());
  const view = views.get(given.get("as") ?? "");
  if (encoding === undefined || view === undefined || given.get("q") === "0") return undefined;
  if (view === "object") return { encoding, view };
  const isOurs = given.get("g") === "meta.k8s.io" && given.get("v") === "v1";
  if (!isOurs || encoding === "yaml") return undefined;
  // Tables are for people's terminals: nobody reads them in binary.
  return view === "table" && encoding === "protobuf" ? undefined : { encoding, view };
}

const allViews: readonly View[] = ["object", "table", "metadata"];

/** The first that we have, in the client's order. Throws StatusError "NotAcceptable". */
export function parseAccept(
  accept: string,
  hasProtobuf: boolean,
  has: readonly View[] = allViews,
): Format {
  if (accept === "" || accept === "application/json") return json;
  for (const range of accept.split(",")) {
    const format = formatOf(range);
    if (format === undefined) continue;
    if (format.encoding === "protobuf" && !hasProtobuf) continue;
    if (!has.includes(format.view)) continue;
    return format;
  }
  throw new StatusError(
    "NotAcceptable",
    "only the following media types are accepted: application/json, application/yaml" +
      (hasProtobuf ? `, ${protobufMediaType}` : ""),
  );
}
