/** Which encoding a client gets: made once for each kind and format, and kept with the kind. */
import { apiVersionOf, type KubeObject } from "../../../api/resource.ts";
import type { WireResponse } from "../../base/wire.ts";
import { kubernetesProtobuf, protobufMediaType } from "../../machinery/kube-protobuf.ts";
import type { ApiRequest } from "../api-request.ts";
import { badRequest } from "../refusals.ts";
import { answer, answerJson } from "../serve/answers.ts";
import type { ResourceStore } from "../store/resource-store.ts";
import { jsonRendering } from "./json-rendering.ts";
import { type Format, parseAccept, type View } from "./media-type.ts";
import { jsonMetadataRendering, protobufMetadataRendering } from "./metadata-rendering.ts";
import { protobufRendering } from "./protobuf-rendering.ts";
import type { Rendering } from "./rendering.ts";
import { type Included, tableRendering } from "./table-rendering.ts";
import { yamlRendering } from "./yaml-rendering.ts";

const made = new WeakMap<ResourceStore, Map<string, Rendering>>();

/** Throws StatusError "NotAcceptable". */
export function renderingFor(store: ResourceStore, request: ApiRequest): Rendering {
  const { ref } = store.resource;
  const accept = request.header("accept") ?? "";
  const format = parseAccept(accept, kubernetesProtobuf.hasProtobuf(apiVersionOf(ref), ref.kind));
  const included = format.view === "table" ? includedIn(request) : "None";
  const key = `${format.encoding} ${format.view} ${included}`;
  let own = made.get(store);
  if (own === undefined) made.set(store, (own = new Map()));
  let rendering = own.get(key);
  if (rendering === undefined) own.set(key, (rendering = makeRendering(store, format, included)));
  return rendering;
}

function includedIn({ query }: ApiRequest): Included {
  const asked = query.get("includeObject") ?? "";
  if (asked === "" || asked === "Metadata") return "Metadata";
  if (asked === "None" || asked === "Object") return asked;
  throw badRequest(`invalid includeObject: ${JSON.stringify(asked)}`);
}

function makeRendering(store: ResourceStore, format: Format, included: Included): Rendering {
  const { cache, parts } = store;
  const isBinary = format.encoding === "protobuf";
  if (format.view === "table") return tableRendering(cache, included, () => parts.clock.now());
  if (format.view === "metadata") {
    return isBinary ? protobufMetadataRendering(cache) : jsonMetadataRendering(cache);
  }
  if (format.encoding === "yaml") return yamlRendering(cache.codec);
  return isBinary ? protobufRendering(cache) : jsonRendering(cache.codec);
}

/** Of an answer that is no stored object there is no table, nor metadata alone. */
const onlyWhole: readonly View[] = ["object"];

/** One object that is no entry of a cache: a Scale, a review, a token. It carries its type. */
export function answerObject(request: ApiRequest, object: KubeObject, status = 200): WireResponse {
  const { apiVersion = "", kind = "" } = object;
  const hasProtobuf = kubernetesProtobuf.hasProtobuf(apiVersion, kind);
  const { encoding } = parseAccept(request.header("accept") ?? "", hasProtobuf, onlyWhole);
  if (encoding !== "protobuf") return answerJson(object, status);
  return answer(status, protobufMediaType, kubernetesProtobuf.encode(object));
}
