import { describeProblem, planPreflight, type MachineFacts } from "./preflight-plan.ts";

export interface PreflightDoors {
  readonly facts: () => Promise<MachineFacts>;
  /** Names of checks, or "all". */
  readonly ignoredChecks: readonly string[];
  readonly say: (line: string) => void;
}

/** All that is wrong, each with its remedy. */
export class PreflightError extends Error {
  override readonly name = "PreflightError";
}

/** Throws PreflightError with everything that is wrong at once. */
export async function runPreflight(
  { facts, ignoredChecks, say }: PreflightDoors,
  address: string,
  isControlPlane: boolean,
): Promise<void> {
  const found = planPreflight({ facts: await facts(), address, isControlPlane }, ignoredChecks);
  for (const problem of found.warnings) say(describeProblem(problem, "WARNING"));
  if (found.errors.length > 0) {
    const lines = found.errors.map((problem) => describeProblem(problem, "ERROR"));
    throw new PreflightError(
      [
        "some checks failed:",
        ...lines,
        "to go on all the same: --ignore-preflight-errors=NAME,… (or all)",
      ].join("\n"),
    );
  }
  say("[preflight] the machine has what is needed");
}
