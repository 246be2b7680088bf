import type { WireResponse } from "../base/wire.ts";
import { internalError, toStatus } from "../machinery/status.ts";
import { StatusError } from "../machinery/status-error.ts";

/** A stranger's error keeps its words for the log: its caller may not be meant to read them. */
const toStatusError = (error: unknown): StatusError =>
  error instanceof StatusError ? error : internalError("unexpected failure", error);

/** The `metav1.Status` of an error as an answer in JSON, with Retry-After where it says one. */
export function statusAnswer(error: unknown): WireResponse {
  const failure = toStatusError(error);
  const retry = failure.details.retryAfterSeconds;
  return {
    status: failure.code,
    headers: {
      "content-type": "application/json",
      ...(retry === undefined ? {} : { "retry-after": String(retry) }),
    },
    body: Buffer.from(`${JSON.stringify(toStatus(failure))}\n`),
  };
}
