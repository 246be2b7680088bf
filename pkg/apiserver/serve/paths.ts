/** Paths that are not resources: discovery, OpenAPI, version, health, metrics, documents. */
import { chainOf } from "../../base/errors.ts";
import type { WireResponse } from "../../base/wire.ts";
import { answerHealth, type HealthCheck, parseHealthPath } from "../../telemetry/health.ts";
import type { Logger } from "../../telemetry/logger.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import type { ApiHandler, ApiRequest } from "../api-request.ts";
import { answerDiscovery } from "../discovery/answer-discovery.ts";
import { OpenApiDocuments } from "../discovery/answer-openapi.ts";
import { unknownPath } from "../refusals.ts";
import { answer, answerJson } from "./answers.ts";
import type { ServedKinds } from "./served.ts";

export interface PathsOptions {
  readonly gitVersion: string;
  readonly advertiseAddress: string;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** What /readyz asks, beside what /livez does. */
  readonly readiness: readonly HealthCheck[];
  readonly liveness: readonly HealthCheck[];
  /** Ready answers by their path: the keys of token issuers, for example. */
  readonly documents: ReadonlyMap<string, WireResponse>;
}

export function servePaths(options: PathsOptions, kinds: ServedKinds): ApiHandler {
  const openApi = new OpenApiDocuments(kinds.refs(), options.gitVersion);
  return async (request) => {
    const { path } = request.info;
    const found =
      answerDiscovery(request, kinds.refs(), options.advertiseAddress) ??
      openApi.answer(request) ??
      options.documents.get(path) ??
      (await health(request, options));
    if (found !== undefined) return found;
    if (path === "/version") return answerJson(versionInfo(options.gitVersion));
    if (path === "/metrics") {
      return answer(200, "text/plain; version=0.0.4; charset=utf-8", metricsText(options.metrics));
    }
    throw unknownPath();
  };
}

const metricsText = (metrics: Metrics): Buffer => Buffer.from(metrics.text());

function health(
  { wire, signal }: ApiRequest,
  { readiness, liveness, logger }: PathsOptions,
): Promise<WireResponse> | undefined {
  const question = parseHealthPath(wire.path);
  if (question === undefined) return undefined;
  const checks = question.name === "livez" ? liveness : [...liveness, ...readiness];
  return answerHealth(question, checks, signal, (name, error) =>
    logger.warn({ check: name, error: chainOf(error) }, "health check failed"),
  );
}

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
