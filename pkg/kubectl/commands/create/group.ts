import { UsageError } from "../../../base/flags.ts";
import { defineCommand, type Command, type CommandEntry } from "../../command.ts";

/** A name that is no command by itself: only with one of those behind it. */
export const groupOf = (name: string, subcommands: readonly CommandEntry[]): Command =>
  defineCommand({
    usage: `${name} (${subcommands.map((one) => one.name).join(" | ")})`,
    flags: {},
    subcommands,
    run: async ({ terminal }, { args }) => {
      if (args.length > 0) {
        throw new UsageError(
          `unknown command "${args.join(" ")}"\nSee 'tskubectl ${name} -h' for help and examples`,
        );
      }
      const lines = subcommands.map((one) => `  ${one.name.padEnd(18)} ${one.summary}`);
      terminal.out(["Commands:", ...lines, ""].join("\n"));
      return 1;
    },
  });
