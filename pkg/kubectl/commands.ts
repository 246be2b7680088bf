import type { Command } from "./command.ts";
import { apiResources } from "./commands/api-resources.ts";
import { apply } from "./commands/apply.ts";
import { create } from "./commands/create.ts";
import { deleteCommand } from "./commands/delete.ts";
import { describe } from "./commands/describe.ts";
import { exec } from "./commands/exec.ts";
import { get } from "./commands/get.ts";
import { logs } from "./commands/logs.ts";
import { rollout } from "./commands/rollout.ts";
import { scale } from "./commands/scale.ts";
import { version } from "./commands/version.ts";

/** Every command, in the order in which help lists them. */
export const commands: readonly Command[] = [
  get,
  describe,
  apply,
  create,
  deleteCommand,
  logs,
  exec,
  scale,
  rollout,
  apiResources,
  version,
];
