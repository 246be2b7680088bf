import { hostname } from "node:os";
import { runAsLeader } from "../../pkg/client/leases.ts";
import type { LeaderHealth } from "../../pkg/client/leader-health.ts";
import type { ApiAccess } from "./api-access.ts";

export interface Election {
  readonly name: string;
  readonly elect: boolean;
  readonly health: LeaderHealth;
}

/** Runs `work` while this process leads among those of its name, or at once without an election. */
export async function runLeading(
  access: ApiAccess,
  { name, elect, health }: Election,
  work: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  if (!elect) return work(signal);
  const identity = `${hostname()}_${access.random.uuid()}`;
  const election = { namespace: "kube-system", name, identity, health };
  await runAsLeader(access, election, work, signal);
}
