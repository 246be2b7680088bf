/** StatusError ⇄ metav1.Status, and the errors that a server gives, in upstream's words. */
import type { Status } from "../../api/meta/v1.ts";
import { describeFieldError, type FieldError } from "./field-error.ts";
import { StatusError, type Reason, type StatusCause, type StatusDetails } from "./status-error.ts";

/** A resource or a kind in its group: { group: "apps", name: "deployments" }. */
export interface Qualified {
  readonly group: string;
  /** Plural of a resource, or a kind. */
  readonly name: string;
}

/** "deployments.apps", "pods" */
export const qualifiedName = ({ group, name }: Qualified): string =>
  group === "" ? name : `${name}.${group}`;

const detailsOf = ({ group, name: kind }: Qualified, name: string): StatusDetails => ({
  ...(name === "" ? {} : { name }),
  ...(group === "" ? {} : { group }),
  ...(kind === "" ? {} : { kind }),
});

const quote = (text: string): string => JSON.stringify(text);

export const notFound = (resource: Qualified, name: string): StatusError =>
  new StatusError(
    "NotFound",
    `${qualifiedName(resource)} ${quote(name)} not found`,
    detailsOf(resource, name),
  );

export const alreadyExists = (resource: Qualified, name: string): StatusError =>
  new StatusError(
    "AlreadyExists",
    `${qualifiedName(resource)} ${quote(name)} already exists`,
    detailsOf(resource, name),
  );

/** `because` is upstream's default where absent: another write came first. */
export const conflict = (
  resource: Qualified,
  name: string,
  because = "the object has been modified; please apply your changes to the latest version and try again",
): StatusError =>
  new StatusError(
    "Conflict",
    `Operation cannot be fulfilled on ${qualifiedName(resource)} ${quote(name)}: ${because}`,
    detailsOf(resource, name),
  );

export function forbidden(resource: Qualified, name: string, because: string): StatusError {
  const what = `${qualifiedName(resource)}${name === "" ? "" : ` ${quote(name)}`} is forbidden`;
  const start = qualifiedName(resource) === "" ? "forbidden" : what;
  return new StatusError("Forbidden", `${start}: ${because}`, detailsOf(resource, name));
}

/** All that is wrong with an object: "x" is invalid: [a, b]. */
export function invalid(kind: Qualified, name: string, errors: readonly FieldError[]): StatusError {
  const causes = errors.map((error): StatusCause => ({
    reason: error.type,
    message: describeFieldError(error),
    field: error.path,
  }));
  const texts = [...new Set(causes.map(({ field, message }) => `${field}: ${message}`))];
  const list = texts.length === 1 ? texts.join("") : `[${texts.join(", ")}]`;
  const start = `${qualifiedName(kind)} ${quote(name)} is invalid`;
  return new StatusError("Invalid", texts.length === 0 ? start : `${start}: ${list}`, {
    ...detailsOf(kind, name),
    ...(causes.length === 0 ? {} : { causes }),
  });
}

export const badRequest = (message: string): StatusError => new StatusError("BadRequest", message);

/** A resource version that history no longer holds; `message` says which. */
export const expired = (message: string): StatusError => new StatusError("Expired", message);

export const methodNotSupported = (resource: Qualified, action: string): StatusError =>
  new StatusError(
    "MethodNotAllowed",
    `${action} is not supported on resources of kind ${quote(qualifiedName(resource))}`,
    detailsOf(resource, ""),
  );

export const unauthorized = (message = "Unauthorized"): StatusError =>
  new StatusError("Unauthorized", message);

export const tooManyRequests = (message: string, retryAfterSeconds: number): StatusError =>
  new StatusError("TooManyRequests", message, { retryAfterSeconds });

/**
 * The cause is for the log: a caller learns only that something broke, as a cause without detail.
 */
export const internalError = (message: string, cause?: unknown): StatusError =>
  new StatusError(
    "InternalError",
    `Internal error occurred: ${message}`,
    { causes: [{ reason: "", message }] },
    { cause },
  );

/** At a boundary everything becomes a StatusError; what is none is an internal error. */
export const toStatusError = (error: unknown): StatusError =>
  error instanceof StatusError
    ? error
    : internalError(error instanceof Error ? error.message : "unknown", error);

/** The object that the wire carries. */
export function toStatus(error: unknown): Status {
  const { code, reason, message, details } = toStatusError(error);
  const causes = details.causes?.map(({ reason: type, ...rest }) =>
    type === "" ? rest : { reason: type, ...rest },
  );
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    reason,
    ...(Object.keys(details).length === 0
      ? {}
      : { details: { ...details, ...(causes === undefined ? {} : { causes }) } }),
    code,
  };
}

/** What a code means where the body does not say: a proxy answered, for example. */
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

const known: ReadonlySet<string> = new Set<Reason>([
  ...Object.values(reasonOfCode),
  "AlreadyExists",
  "Gone",
  "InternalError",
  "ServerTimeout",
]);
const isReasonText = (text: string | undefined): text is Reason =>
  text !== undefined && known.has(text);

/** The error that a Status object tells of. A reason that we do not know is taken from the code. */
export function statusFromObject(status: Status): StatusError {
  const { reason, code = 500, message = "", details } = status;
  const causes = details?.causes?.map((cause): StatusCause => ({
    reason: cause.reason ?? "",
    message: cause.message ?? "",
    ...(cause.field === undefined ? {} : { field: cause.field }),
  }));
  return new StatusError(
    isReasonText(reason) ? reason : (reasonOfCode[code] ?? "InternalError"),
    message,
    { ...details, ...(causes === undefined ? {} : { causes }) } as StatusDetails,
  );
}

/** An answer without a Status in it: only its code and text are known. */
export const statusFromCode = (code: number, text: string): StatusError =>
  new StatusError(
    reasonOfCode[code] ?? "InternalError",
    text === "" ? `the server responded with the status code ${code}` : text,
  );

/** The error that an answer's text tells of: a Status as JSON, or whatever a proxy says. */
export function statusFromText(code: number, text: string, quotedCharsMax: number): StatusError {
  const status = parseStatus(text);
  return status === undefined
    ? statusFromCode(code, text.trim().slice(0, quotedCharsMax))
    : statusFromObject({ code, ...status });
}

function parseStatus(text: string): Status | undefined {
  try {
    const parsed = JSON.parse(text) as Status | null;
    return parsed?.kind === "Status" ? parsed : undefined;
  } catch {
    // Not JSON: plain words, as load balancers and upstream's kubelets have them.
    return undefined;
  }
}
