import type { UserInfo } from "../auth-contract.ts";

export interface FieldManager {
  readonly name: string;
  /** The client said so itself; else the name is that of its program. */
  readonly isNamed: boolean;
}

/** Who writes, and how. */
export interface WriteContext {
  readonly user: UserInfo;
  readonly dryRun: boolean;
  /** The object's managedFields say already who applied what. */
  readonly isApply?: boolean;
  readonly fieldManager: FieldManager;
  readonly signal: AbortSignal;
}
