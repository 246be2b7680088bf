import { StatusError } from "../machinery/status-error.ts";
import type { WireResponse } from "../base/wire.ts";

/** At the edge everything becomes a `metav1.Status`; a stranger's error keeps its words for the log. */
export const toStatusError = (error: unknown): StatusError =>
  error instanceof StatusError
    ? error
    : new StatusError("InternalError", "Internal error occurred", {}, { cause: error });

/** The Status of an error as an answer in JSON, with Retry-After where it says one. */
export function statusAnswer(error: unknown): WireResponse {
  const { code, reason, message, details } = toStatusError(error);
  const hasDetails = Object.keys(details).length > 0;
  const status = {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    reason,
    ...(hasDetails ? { details } : {}),
    code,
  };
  const retry = details.retryAfterSeconds;
  return {
    status: code,
    headers: {
      "content-type": "application/json",
      ...(retry === undefined ? {} : { "retry-after": String(retry) }),
    },
    body: Buffer.from(`${JSON.stringify(status)}\n`),
  };
}
