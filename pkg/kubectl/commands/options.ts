import { describeFlags } from "../../base/flags.ts";
import { defineCommand } from "../command.ts";
import { globalFlags } from "../global-flags.ts";

export const options = defineCommand({
  usage: "options",
  flags: {},
  run: async ({ terminal }) => {
    terminal.out(`Flags of every command:\n${describeFlags(globalFlags)}\n`);
    return 0;
  },
});
