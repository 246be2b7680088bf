import type { Kubectl } from "./command.ts";
import { UsageError } from "../base/flags.ts";

const validations: Readonly<Record<string, string>> = {
  true: "Strict",
  strict: "Strict",
  warn: "Warn",
  false: "Ignore",
  ignore: "Ignore",
};

export interface WriteFlags {
  readonly "dry-run": string | undefined;
  readonly validate: string | undefined;
  readonly manager: string;
}

/** The query of a create, update or patch: who writes, how strictly, for real or not. */
export function writeQuery(flags: WriteFlags): URLSearchParams {
  const fieldValidation = validations[flags.validate ?? "strict"];
  if (fieldValidation === undefined) {
    throw new UsageError(
      `invalid - validate option "${flags.validate}"; must be one of: strict (or true), warn, ignore (or false)`,
    );
  }
  const query = new URLSearchParams({ fieldManager: flags.manager, fieldValidation });
  const dryRun = flags["dry-run"] ?? "none";
  if (!["none", "client", "server"].includes(dryRun)) {
    throw new UsageError(
      `Invalid dry-run value (${dryRun}). Must be "none", "server", or "client".`,
    );
  }
  if (dryRun === "server") query.set("dryRun", "All");
  return query;
}

/** Behind what was done, when it was not done for real. */
export const dryRunMark = (dryRun: string | undefined): string =>
  ({ client: " (dry run)", server: " (server dry run)" })[dryRun ?? ""] ?? "";

export function tellWarnings(kubectl: Kubectl): void {
  for (const warning of kubectl.api.takeWarnings()) kubectl.terminal.err(`Warning: ${warning}\n`);
}
