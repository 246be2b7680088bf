import { hostname } from "node:os";
import { runAsLeader } from "../../pkg/client/leases.ts";
import type { ApiAccess } from "./api-access.ts";

/** Runs `work` while this process leads among those of its name, or at once without an election. */
export async function runLeading(
  access: ApiAccess,
  { name, elect }: { readonly name: string; readonly elect: boolean },
  work: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  if (!elect) return work(signal);
  const identity = `${hostname()}_${access.random.uuid()}`;
  await runAsLeader(access, { namespace: "kube-system", name, identity }, work, signal);
}
