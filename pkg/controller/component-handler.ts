/**
 * What a component without an API of its own answers on its port: health to everybody, metrics to
 * those who may read them.
 */
import { chainOf } from "../base/errors.ts";
import type { Handler, WireResponse } from "../base/wire.ts";
import type { DelegatedAuth } from "../client/delegated-auth.ts";
import { internalError, toStatus } from "../machinery/status.ts";
import { StatusError } from "../machinery/status-error.ts";
import { answerHealth, parseHealthPath, type HealthCheck } from "../telemetry/health.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Metrics } from "../telemetry/metrics.ts";

export interface ComponentParts {
  readonly checks: readonly HealthCheck[];
  readonly metrics: Metrics;
  readonly authorize: DelegatedAuth;
  readonly logger: Logger;
}

const respond = (status: number, contentType: string, body: string): WireResponse => ({
  status,
  headers: { "content-type": contentType, "x-content-type-options": "nosniff" },
  body: new TextEncoder().encode(body),
});

const metricsType = "text/plain; version=0.0.4; charset=utf-8";

/** /healthz, /livez, /readyz and, for who may, /metrics; a path is refused before it is unknown. */
export const componentHandler =
  ({ checks, metrics, authorize, logger }: ComponentParts): Handler =>
  async (request) => {
    const question = parseHealthPath(request.path);
    if (question !== undefined)
      return answerHealth(question, checks, request.signal, (check, error) =>
        logger.warn({ check, error: chainOf(error) }, "unhealthy"),
      );
    try {
      const [path = ""] = request.path.split("?");
      const verb = request.method.toLowerCase();
      const attributes = { nonResourceAttributes: { path, verb } };
      await authorize(request, { attributes, what: `verb=${verb}, path=${path}` });
      if (path !== "/metrics") throw new StatusError("NotFound", `there is nothing at ${path}`);
      return respond(200, metricsType, metrics.text());
    } catch (error) {
      const refusal = error instanceof StatusError ? error : internalError(what, error);
      if (refusal !== error) logger.warn({ error: chainOf(error) }, what);
      return respond(refusal.code, "application/json", JSON.stringify(toStatus(refusal)));
    }
  };

const what = "who may read the metrics could not be asked";
