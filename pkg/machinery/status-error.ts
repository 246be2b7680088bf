/** Why a request failed, as the API says it: closed, so that a switch over it is checked. */
const httpCode = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Gone: 410,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
  ServerTimeout: 500,
} as const;
export type Reason = keyof typeof httpCode;

/** One field that is wrong; `reason` is upstream's field-error type. */
export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  /** spec.containers[0].image */
  readonly field?: string;
}

/** The `details` of `metav1.Status`. */
export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

/** The one error that crosses a wire, as `metav1.Status` with status "Failure". */
export class StatusError extends Error {
  override readonly name = "StatusError";
  readonly reason: Reason;
  readonly details: StatusDetails;
  constructor(
    reason: Reason,
    message: string,
    details: StatusDetails = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.reason = reason;
    this.details = details;
  }
  get code(): number {
    return httpCode[this.reason];
  }
}

export const isReason = (error: unknown, ...reasons: readonly Reason[]): error is StatusError =>
  error instanceof StatusError && reasons.includes(error.reason);
