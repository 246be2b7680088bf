import { defineCommand, type ExecStreams, type Kubectl } from "../command.ts";
import { UsageError } from "../../base/flags.ts";
import { containerOf, podOf } from "../pod-args.ts";

async function copyOutput(kubectl: Kubectl, streams: ExecStreams): Promise<void> {
  for await (const { stream, data } of streams.output) await kubectl.terminal.write(stream, data);
}

/** Ends by itself when the input does; otherwise left behind when the command ends. */
async function copyInput(kubectl: Kubectl, streams: ExecStreams): Promise<void> {
  for await (const data of kubectl.terminal.input) await streams.write(data);
  streams.closeStdin();
}

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
    const tty = flags.tty && kubectl.terminal.isTty;
    if (flags.tty && !tty && !flags.quiet) {
      kubectl.terminal.err(
        "Unable to use a TTY - input is not a terminal or the right kind of file\n",
      );
    }
    const query = new URLSearchParams({ container: containerOf(kubectl, pod, flags.container) });
    for (const part of command) query.append("command", part);
    for (const [name, isOn] of [
      ["stdin", flags.stdin],
      ["stdout", true],
      ["stderr", !tty],
      ["tty", tty],
    ] as const) {
      if (isOn) query.set(name, "true");
    }
    const { name, namespace } = pod.metadata ?? {};
    const path = `/api/v1/namespaces/${namespace}/pods/${name}/exec?${query}`;
    const streams = await kubectl.openExec(path, kubectl.signal);
    const { terminal } = kubectl;
    using _raw = tty ? terminal.raw() : undefined;
    using _resize = tty ? terminal.onResize(() => streams.resize(terminal.size)) : undefined;
    if (tty) streams.resize(terminal.size);
    const output = copyOutput(kubectl, streams);
    if (flags.stdin) copyInput(kubectl, streams).catch(() => streams.close());
    const exitCode = await streams.exitCode;
    await output;
    if (exitCode !== 0) terminal.err(`command terminated with exit code ${exitCode}\n`);
    return exitCode;
  },
});
