/** /api and /apis: which of the discovery documents a path and its Accept header ask for. */
import type { ResourceRef } from "../../../api/resource.ts";
import type { WireResponse } from "../../base/wire.ts";
import type { ApiRequest } from "../api-request.ts";
import { unknownPath } from "../refusals.ts";
import { answerJson } from "../serve/answers.ts";
import {
  aggregatedDiscovery,
  apiGroup,
  apiGroupList,
  apiResourceList,
  apiVersions,
} from "./discovery.ts";

const aggregatedType = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/** Undefined: the path is not about discovery. */
export function answerDiscovery(
  request: ApiRequest,
  refs: readonly ResourceRef[],
  advertiseAddress: string,
): WireResponse | undefined {
  const [root, first, second] = request.info.path.split("/").filter((word) => word !== "");
  if (root !== "api" && root !== "apis") return undefined;
  const isCore = root === "api";
  if (first === undefined) {
    if (wantsAggregated(request)) return aggregated(refs, isCore);
    return answerJson(isCore ? apiVersions(advertiseAddress) : apiGroupList(refs));
  }
  if (isCore) return orUnknown(apiResourceList(refs, "", first));
  return orUnknown(
    second === undefined ? apiGroup(refs, first) : apiResourceList(refs, first, second),
  );
}

function aggregated(refs: readonly ResourceRef[], isCore: boolean): WireResponse {
  const { status, body } = answerJson(aggregatedDiscovery(refs, isCore));
  return { status, body, headers: { "content-type": aggregatedType, vary: "Accept" } };
}

function orUnknown(document: object | undefined): WireResponse {
  if (document === undefined) throw unknownPath();
  return answerJson(document);
}

const wantsAggregated = (request: ApiRequest): boolean =>
  (request.header("accept") ?? "").includes("g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
