/**
 * How a command in a container ended, as the error stream of protocols v4 and v5 tells it. Pure.
 */
export type ExecOutcome =
  | { readonly exitCode: number }
  /** It could not be run at all, or the connection broke. */
  | { readonly failure: string };

interface OutcomeStatus {
  readonly status?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly causes?: readonly { reason?: string; message?: string }[] };
}

/** Reads the metav1.Status of the error stream. Text that is no Status is itself a failure. */
export function parseOutcome(text: string): ExecOutcome {
  let status: OutcomeStatus;
  try {
    status = JSON.parse(text) as OutcomeStatus;
  } catch {
    return { failure: text };
  }
  if (status.status === "Success") return { exitCode: 0 };
  const cause = status.details?.causes?.find(({ reason }) => reason === "ExitCode");
  const exitCode = Number(cause?.message);
  return status.reason === "NonZeroExitCode" && Number.isInteger(exitCode)
    ? { exitCode }
    : { failure: status.message ?? text };
}
