import type { Status } from "../../api/meta/v1.ts";
import { statusFromObject, statusFromText } from "../machinery/status.ts";
import { StatusError } from "../machinery/status-error.ts";

/** Of a body that is no Status, what is quoted. */
const quotedCharsMax = 1_024;

/** The error that a watch's ERROR event carries. */
export const errorOfEvent = (object: unknown): StatusError =>
  asExpired(statusFromObject((object ?? {}) as Status));

/** The error of an answer that is not 2xx; where no Status came, in the answer's own words. */
export const errorOfResponse = (code: number, body: Uint8Array): StatusError =>
  asExpired(statusFromText(code, new TextDecoder().decode(body), quotedCharsMax));

/** "Gone" and "Expired" ask for the same: a new list. */
const asExpired = (error: StatusError): StatusError =>
  error.reason === "Gone" ? new StatusError("Expired", error.message, error.details) : error;
