import type { Transport } from "../../pkg/base/wire.ts";
import type { ControllerDoors, Program } from "../../pkg/controller/controller.ts";
import type { ControllerMetrics } from "../../pkg/controller/controller-metrics.ts";
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
  /** Of the controllers' queues; absent: nobody asks. */
  readonly metrics?: ControllerMetrics;
}

/** Every controller, until the signal aborts. */
export function runControllers(options: ControllingOptions, signal: AbortSignal): Promise<void> {
  const { access, asAccount, metrics } = options;
  const shared = {
    informers: access.informers,
    logger: access.logger,
    ...(metrics === undefined ? {} : { metrics }),
  };
  const doorsOf = ({ account }: Program): ControllerDoors => ({
    ...apiAccess(asAccount(account), account, access, signal),
    ...shared,
  });
  return runPrograms(controllers(options), doorsOf, signal);
}
