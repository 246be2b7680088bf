/** Values → responses. Failures are `metav1.Status`: see `pkg/serving/status-answer.ts`. */
import type { WireBody, WireResponse } from "../../base/wire.ts";

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

/** `metav1.Status` of something that succeeded and has no object to show. */
export const success = (details: Readonly<Record<string, unknown>>) => ({
  kind: "Status",
  apiVersion: "v1",
  metadata: {},
  status: "Success",
  details,
});
