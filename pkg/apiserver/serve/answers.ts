/** Values → responses. Failures are `metav1.Status`, whatever the client asked for. */
import type { WireBody, WireResponse } from "../../base/wire.ts";
import { toStatus } from "../../machinery/status.ts";
import type { StatusError } from "../../machinery/status-error.ts";

const jsonHeaders = { "content-type": "application/json" } as const;

export const answer = (status: number, contentType: string, body: WireBody): WireResponse => ({
  status,
  headers: contentType === "application/json" ? jsonHeaders : { "content-type": contentType },
  body,
});

export const answerJson = (value: unknown, status = 200): WireResponse =>
  answer(status, "application/json", Buffer.from(`${JSON.stringify(value)}\n`));

export const answerText = (text: string, status = 200): WireResponse =>
  answer(status, "text/plain; charset=utf-8", Buffer.from(text));

export function answerError(error: StatusError): WireResponse {
  const { status, headers, body } = answerJson(toStatus(error), error.code);
  const seconds = error.details.retryAfterSeconds;
  if (seconds === undefined) return { status, headers, body };
  return { status, headers: { ...headers, "retry-after": String(seconds) }, body };
}

/** `metav1.Status` of something that succeeded and has no object to show. */
export const success = (details: Readonly<Record<string, unknown>>) => ({
  kind: "Status",
  apiVersion: "v1",
  metadata: {},
  status: "Success",
  details,
});
