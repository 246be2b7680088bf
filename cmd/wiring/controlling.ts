import { runPrograms } from "../../pkg/controller/run-programs.ts";
import { controllers } from "../../pkg/controllers/controllers.ts";
import type { ApiAccess } from "./api-access.ts";

/** Every controller, until the signal aborts. `rootCa`: what pods verify the API server with. */
export const runControllers = (
  access: ApiAccess,
  rootCa: string,
  signal: AbortSignal,
): Promise<void> => runPrograms(controllers({ rootCa }), access, signal);
