import { defaultPlugins } from "../../pkg/scheduler/default-plugins.ts";
import { runScheduler } from "../../pkg/scheduler/scheduler.ts";
import type { ApiAccess } from "./api-access.ts";

/** The scheduler with upstream's name and every default plugin. */
export const runScheduling = (access: ApiAccess, signal: AbortSignal): Promise<void> =>
  runScheduler({ ...access, plugins: defaultPlugins, name: "default-scheduler" }, signal);
