/** gRPC's outcome of a call: a number and a text. */
import type { Header } from "./hpack.ts";

export const statusCodes = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  resourceExhausted: 8,
  outOfRange: 11,
  internal: 13,
  unavailable: 14,
} as const;

export class GrpcError extends Error {
  override readonly name = "GrpcError";
  readonly code: number;
  /** The server's own words, without the code. */
  readonly details: string;
  /** True: the server has certainly not looked at the call. Else nobody knows what it has done. */
  readonly isUnprocessed: boolean;

  constructor(
    code: number,
    details: string,
    options: ErrorOptions & { readonly isUnprocessed?: boolean } = {},
  ) {
    super(`${code} ${details}`, options);
    this.code = code;
    this.details = details;
    this.isUnprocessed = options.isUnprocessed ?? false;
  }

  /** The same of a call that never reached the server, or that it turned away unseen. */
  unprocessed(): GrpcError {
    return new GrpcError(this.code, this.details, { cause: this.cause, isUnprocessed: true });
  }
}

const valueOf = (headers: readonly Header[], name: string): string | undefined =>
  headers.find((header) => header[0] === name)?.[1];

/** grpc-message is percent-encoded UTF-8; one that is not stays as it came. */
function decoded(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}

/** Undefined: the call went well. */
export function errorIn(trailers: readonly Header[]): GrpcError | undefined {
  const code = valueOf(trailers, "grpc-status");
  if (code === "0") return undefined;
  const details = decoded(valueOf(trailers, "grpc-message") ?? "");
  if (code !== undefined && /^\d+$/.test(code)) return new GrpcError(Number(code), details);
  return new GrpcError(statusCodes.internal, "the answer ended without a status");
}

const statusOf = (headers: readonly Header[]): string | undefined => valueOf(headers, ":status");

/** Headers ahead of the answer's own (1xx): there may be any number of them. */
export const isInterim = (headers: readonly Header[]): boolean =>
  statusOf(headers)?.startsWith("1") === true;

/** What is wrong with an answer's first headers, when it is no gRPC at all. */
export function refusalIn(headers: readonly Header[]): GrpcError | undefined {
  const status = statusOf(headers);
  if (status === "200") return undefined;
  return new GrpcError(statusCodes.unavailable, `HTTP status ${status ?? "missing"}`);
}
