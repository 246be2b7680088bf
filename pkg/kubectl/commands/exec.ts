import { defineCommand } from "../command.ts";
import { UsageError } from "../../base/flags.ts";
import { containerOf, podOf } from "../pod-args.ts";
import { hasTerminal, runSession } from "../remote-session.ts";

export const exec = defineCommand({
  usage: "exec [-i] [-t] (POD | TYPE/NAME) [-c CONTAINER] -- COMMAND [ARG...]",
  flags: {
    stdin: { short: "i", kind: "bool", help: "Pass standard input to the command" },
    tty: { short: "t", kind: "bool", help: "Standard input is a terminal" },
    container: { short: "c", kind: "text", help: "The container, where the pod has several" },
    quiet: { short: "q", kind: "bool", help: "Only the command's own output" },
  } as const,
  run: async (kubectl, { flags, args, rest }) => {
    const [word] = args;
    if (rest === undefined && args.length > 1) {
      throw new UsageError(
        "exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead\n" +
          "See 'tskubectl exec -h' for help and examples",
      );
    }
    const command = rest ?? [];
    if (word === undefined) throw new UsageError("pod, type/name or --filename must be specified");
    if (command.length === 0)
      throw new UsageError("you must specify at least one command for the container");
    const pod = await podOf(kubectl, word);
    const tty = flags.tty && hasTerminal(kubectl, flags.quiet);
    const query = new URLSearchParams({ container: containerOf(kubectl, pod, flags.container) });
    for (const part of command) query.append("command", part);
    const session = { stdin: flags.stdin, tty };
    const exitCode = await runSession(kubectl, pod, "exec", { ...session, query });
    if (exitCode !== 0) kubectl.terminal.err(`command terminated with exit code ${exitCode}\n`);
    return exitCode;
  },
});
