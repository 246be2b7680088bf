/**
 * Why a CRI call failed, in gRPC's words: closed. The code is put on the wire by grpc-server.ts.
 */
export type CriReason =
  | "NOT_FOUND"
  | "ALREADY_EXISTS"
  | "INVALID_ARGUMENT"
  | "FAILED_PRECONDITION"
  | "DEADLINE_EXCEEDED"
  | "RESOURCE_EXHAUSTED"
  | "UNAVAILABLE"
  | "UNIMPLEMENTED";

export class CriError extends Error {
  override readonly name = "CriError";
  readonly reason: CriReason;
  constructor(reason: CriReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

export const notFound = (kind: string, id: string): CriError =>
  new CriError("NOT_FOUND", `${kind} ${JSON.stringify(id)} not found`);

export const invalid = (message: string): CriError => new CriError("INVALID_ARGUMENT", message);

export const unimplemented = (what: string): CriError =>
  new CriError("UNIMPLEMENTED", `${what} is not implemented`);

/** A required field; throws INVALID_ARGUMENT when the caller left it out. */
export function required<T>(value: T | undefined, field: string): T {
  if (value === undefined || value === "") throw invalid(`${field} is required`);
  return value;
}
