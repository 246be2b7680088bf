import type { Transport } from "../../pkg/base/wire.ts";
import type { Program } from "../../pkg/controller/controller.ts";
import { runPrograms } from "../../pkg/controller/run-programs.ts";
import { controllers, type ControllerSettings } from "../../pkg/controllers/controllers.ts";
import { apiAccess, type ApiAccess } from "./api-access.ts";

export interface ControllingOptions extends ControllerSettings {
  /** The manager's own way to the API: every controller reads through it, all from one copy. */
  readonly access: ApiAccess;
  /**
   * The API under the name of one of kube-system's ServiceAccounts: each controller writes with its
   * own rights.
   */
  readonly asAccount: (account: string) => Transport;
}

/** Every controller, until the signal aborts. */
export function runControllers(options: ControllingOptions, signal: AbortSignal): Promise<void> {
  const { access, asAccount } = options;
  const doorsOf = ({ account }: Program): ApiAccess => {
    const own = apiAccess(asAccount(account), account, access, signal);
    return { ...own, informers: access.informers, logger: access.logger };
  };
  return runPrograms(controllers(options), doorsOf, signal);
}
