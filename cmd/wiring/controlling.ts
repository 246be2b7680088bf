import type { Transport } from "../../pkg/base/wire.ts";
import type { Program } from "../../pkg/controller/controller.ts";
import { runPrograms } from "../../pkg/controller/run-programs.ts";
import { controllers } from "../../pkg/controllers/controllers.ts";
import { apiAccess, type ApiAccess } from "./api-access.ts";

export interface ControllingOptions {
  /** The manager's own way to the API: every controller reads through it, all from one copy. */
  readonly access: ApiAccess;
  /** The API under the name of one of kube-system's ServiceAccounts: each controller writes with its own rights. */
  readonly asAccount: (account: string) => Transport;
  /** PEM: what pods verify the API server with. */
  readonly rootCa: string;
}

/** Every controller, until the signal aborts. */
export function runControllers(options: ControllingOptions, signal: AbortSignal): Promise<void> {
  const { access, asAccount, rootCa } = options;
  const doorsOf = ({ account }: Program): ApiAccess => {
    const own = apiAccess(asAccount(account), account, access, signal);
    return { ...own, informers: access.informers, logger: access.logger };
  };
  return runPrograms(controllers({ rootCa }), doorsOf, signal);
}
