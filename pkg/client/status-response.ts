import { StatusError, type Reason, type StatusDetails } from "../machinery/status-error.ts";

/** What an answer says went wrong, when its body is not a Status: proxies and load balancers. */
const reasonOfCode: Readonly<Record<number, Reason>> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  405: "MethodNotAllowed",
  406: "NotAcceptable",
  409: "Conflict",
  410: "Expired",
  413: "RequestEntityTooLarge",
  415: "UnsupportedMediaType",
  422: "Invalid",
  429: "TooManyRequests",
  503: "ServiceUnavailable",
  504: "Timeout",
};

const knownReasons: ReadonlySet<string> = new Set<Reason>([
  "BadRequest",
  "Unauthorized",
  "Forbidden",
  "NotFound",
  "MethodNotAllowed",
  "NotAcceptable",
  "AlreadyExists",
  "Conflict",
  "Gone",
  "Expired",
  "RequestEntityTooLarge",
  "UnsupportedMediaType",
  "Invalid",
  "TooManyRequests",
  "InternalError",
  "ServiceUnavailable",
  "Timeout",
  "ServerTimeout",
]);

interface StatusBody {
  readonly kind?: string;
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
  readonly details?: StatusDetails;
}

const isStatus = (body: unknown): body is StatusBody =>
  typeof body === "object" && body !== null && (body as StatusBody).kind === "Status";

/** The error that a `metav1.Status` stands for. "Gone" becomes "Expired": both want a new list. */
export function statusErrorOf(body: unknown, code: number): StatusError {
  const status: StatusBody = isStatus(body) ? body : {};
  const reasonByCode = reasonOfCode[status.code ?? code] ?? "InternalError";
  const said = status.reason ?? "";
  const reason = knownReasons.has(said) ? (said as Reason) : reasonByCode;
  const message = status.message ?? `the server answered ${code}`;
  return new StatusError(reason === "Gone" ? "Expired" : reason, message, status.details ?? {});
}

/** The error of an answer that is not 2xx. A body that is no Status is quoted, 1,024 characters. */
export function errorOfResponse(code: number, body: Uint8Array): StatusError {
  const text = new TextDecoder().decode(body);
  try {
    const parsed: unknown = JSON.parse(text);
    if (isStatus(parsed)) return statusErrorOf(parsed, code);
  } catch {
    // not JSON: said below, in its own words
  }
  const words = text.trim().slice(0, 1024);
  return statusErrorOf(
    { kind: "Status", message: words === "" ? `the server answered ${code}` : words },
    code,
  );
}
