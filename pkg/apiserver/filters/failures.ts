/** Outermost: every failure becomes a Status here, and only here; unexpected ones are logged. */
import { chainOf } from "../../base/errors.ts";
import { internalError } from "../../machinery/status.ts";
import { StatusError } from "../../machinery/status-error.ts";
import { StorageError } from "../../storage/storage.ts";
import type { Logger } from "../../telemetry/logger.ts";
import type { ApiFilter } from "../api-request.ts";
import { statusAnswer } from "../../serving/status-answer.ts";

/** The cause stays for the log: what went wrong inside is not for strangers. */
export function toStatusError(error: unknown): StatusError {
  if (error instanceof StatusError) return error;
  if (error instanceof URIError) return new StatusError("BadRequest", error.message);
  if (error instanceof StorageError) {
    if (error.reason === "TooLarge") {
      return new StatusError("RequestEntityTooLarge", error.message, {}, { cause: error });
    }
    if (error.reason === "Unavailable") {
      const details = { retryAfterSeconds: 1 };
      return new StatusError("ServiceUnavailable", "storage is unavailable", details, {
        cause: error,
      });
    }
  }
  return internalError("see the log of the server", error);
}

export const answerFailures =
  (logger: Logger): ApiFilter =>
  (next) =>
  async (request) => {
    try {
      return await next(request);
    } catch (error) {
      const status = toStatusError(error);
      if (status.code >= 500 && !request.wire.signal.aborted) {
        const { method, path } = request.wire;
        logger.error({ method, path, error: chainOf(error) }, "request failed");
      }
      return statusAnswer(status);
    } finally {
      request.finish();
    }
  };
