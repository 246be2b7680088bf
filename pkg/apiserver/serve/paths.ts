/** Paths that are not resources: discovery, version, health. */
import type { ApiHandler, ApiRequest } from "../api-request.ts";
import { answerJson } from "./answers.ts";
import type { WireResponse } from "../../base/wire.ts";
import {
  aggregatedDiscovery,
  apiGroup,
  apiGroupList,
  apiResourceList,
  apiVersions,
} from "../discovery/discovery.ts";
import { unknownPath } from "../refusals.ts";
import type { ServedKinds } from "./served.ts";

export interface PathsOptions {
  readonly gitVersion: string;
  readonly advertiseAddress: string;
}

const aggregatedType = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

export function servePaths(options: PathsOptions, kinds: ServedKinds): ApiHandler {
  const refs = () => [...kinds.all()].map(({ ref }) => ref);
  return async (request) => {
    const found = discovery(request, options, refs());
    if (found !== undefined) return found;
    if (request.info.path === "/version") return answerJson(versionInfo(options.gitVersion));
    throw unknownPath();
  };
}

function discovery(
  request: ApiRequest,
  { advertiseAddress }: PathsOptions,
  refs: Parameters<typeof apiGroupList>[0],
): WireResponse | undefined {
  const [root, first, second, more] = request.info.path.split("/").filter((word) => word !== "");
  if (root !== "api" && root !== "apis") return undefined;
  const isCore = root === "api";
  if (first === undefined) {
    if (wantsAggregated(request)) {
      const { status, body } = answerJson(aggregatedDiscovery(refs, isCore));
      return { status, body, headers: { "content-type": aggregatedType, vary: "Accept" } };
    }
    return answerJson(isCore ? apiVersions(advertiseAddress) : apiGroupList(refs));
  }
  if (more !== undefined) return undefined;
  if (!isCore && second === undefined) return orUnknown(apiGroup(refs, first));
  if (isCore && second !== undefined) return undefined;
  return orUnknown(apiResourceList(refs, isCore ? "" : first, (isCore ? first : second) ?? ""));
}

function orUnknown(document: object | undefined): WireResponse {
  if (document === undefined) throw unknownPath();
  return answerJson(document);
}

const wantsAggregated = (request: ApiRequest): boolean => {
  const accept = request.header("accept") ?? "";
  return /g=apidiscovery\.k8s\.io;v=v2;as=APIGroupDiscoveryList/.test(accept);
};

/** `version.Info`; the numbers are those of the version whose API this is. */
export const versionInfo = (gitVersion: string) => {
  const [, major = "", minor = ""] = /^v(\d+)\.(\d+)/.exec(gitVersion) ?? [];
  return {
    major,
    minor,
    gitVersion,
    gitCommit: "",
    gitTreeState: "clean",
    buildDate: "1970-01-01T00:00:00Z",
    goVersion: "",
    compiler: "node",
    platform: "linux/amd64",
  };
};
