/** How exec ends, on the error stream: a metav1.Status, as protocols v4 and v5 want it. Pure. */
import { internalError, toStatus } from "../machinery/status.ts";
import type { StreamOutcome } from "./streams-contract.ts";

/** The Status of an outcome, as one JSON text. */
export function outcomeText(outcome: StreamOutcome): string {
  if ("failure" in outcome) return JSON.stringify(toStatus(internalError(outcome.failure)));
  const { exitCode } = outcome;
  if (exitCode === 0) return JSON.stringify({ metadata: {}, status: "Success" });
  return JSON.stringify({
    metadata: {},
    status: "Failure",
    message: `command terminated with non-zero exit code: exit status ${exitCode}`,
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: String(exitCode) }] },
  });
}

interface OutcomeStatus {
  readonly status?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly causes?: readonly { reason?: string; message?: string }[] };
}

/** The client's half: reads what `outcomeText` wrote. Text that is no Status is itself a failure. */
export function parseOutcome(text: string): StreamOutcome {
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
