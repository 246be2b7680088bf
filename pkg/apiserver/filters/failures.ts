/** Outermost: every failure becomes a Status here, and only here; unexpected ones are logged. */
import { chainOf } from "../../base/errors.ts";
import { internalError } from "../../machinery/status.ts";
import { StatusError } from "../../machinery/status-error.ts";
import { StorageError } from "../../storage/storage.ts";
import type { Logger } from "../../telemetry/logger.ts";
import type { ApiFilter } from "../api-request.ts";
import { statusAnswer } from "../../serving/status-answer.ts";

/**
 * Clients repeat what names a time for it, of any method. A write of which nobody knows whether it
 * was done names none: repeated, it would make a second object, or report a conflict with itself.
 */
function storageUnavailable(error: StorageError, isRead: boolean): StatusError {
  const isRepeatable = isRead || error.isUndone;
  return new StatusError(
    "ServiceUnavailable",
    isRepeatable
      ? "storage is unavailable"
      : "storage did not answer: whether this was done is not known",
    isRepeatable ? { retryAfterSeconds: 1 } : {},
    { cause: error },
  );
}

/** The cause stays for the log: what went wrong inside is not for strangers. */
function toStatusError(error: unknown, isRead: boolean): StatusError {
  if (error instanceof StatusError) return error;
  if (error instanceof URIError) return new StatusError("BadRequest", error.message);
  if (error instanceof StorageError) {
    if (error.reason === "TooLarge") {
      return new StatusError("RequestEntityTooLarge", error.message, {}, { cause: error });
    }
    if (error.reason === "Unavailable") return storageUnavailable(error, isRead);
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
      const { method, path } = request.wire;
      const status = toStatusError(error, method === "GET" || method === "HEAD");
      if (status.code >= 500 && !request.wire.signal.aborted) {
        logger.error({ method, path, error: chainOf(error) }, "request failed");
      }
      return statusAnswer(status);
    } finally {
      request.finish();
    }
  };
