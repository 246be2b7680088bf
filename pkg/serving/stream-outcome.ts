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

/** The same in the words of protocols before v4: what failed; "" for success. */
export function failureText(outcome: StreamOutcome): string {
  if ("failure" in outcome) return outcome.failure;
  const { exitCode } = outcome;
  return exitCode === 0
    ? ""
    : `command terminated with non-zero exit code: exit status ${exitCode}`;
}
