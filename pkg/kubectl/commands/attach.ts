import type { Pod } from "../../../api/core/v1.ts";
import { UsageError } from "../../base/flags.ts";
import { defineCommand, type Kubectl } from "../command.ts";
import { containerOf, podOf } from "../pod-args.ts";
import { hasTerminal, runSession } from "../remote-session.ts";

export interface Attaching {
  readonly container: string;
  readonly stdin: boolean;
  readonly tty: boolean;
  readonly quiet: boolean;
}

/** Joins this terminal to a container's own process. The exit code is only this command's. */
export async function attachTo(kubectl: Kubectl, pod: Pod, asked: Attaching): Promise<number> {
  const { container, stdin, quiet } = asked;
  const found = [
    ...(pod.spec?.containers ?? []),
    ...(pod.spec?.initContainers ?? []),
    ...(pod.spec?.ephemeralContainers ?? []),
  ].find(({ name }) => name === container);
  const mayTty = asked.tty && hasTerminal(kubectl, quiet);
  const tty = mayTty && found?.tty === true;
  const { terminal } = kubectl;
  if (mayTty && !tty && !quiet)
    terminal.err(`error: Unable to use a TTY - container ${container} did not allocate one\n`);
  if (!quiet) {
    terminal.err(
      "All commands and output from this session will be recorded in container logs, including credentials and sensitive information passed through the command prompt.\nIf you don't see a command prompt, try pressing enter.\n",
    );
  }
  const query = new URLSearchParams({ container });
  return runSession(kubectl, pod, "attach", { stdin, tty, query });
}

function checkContainer({ metadata, spec }: Pod, container: string | undefined): void {
  const all = [
    ...(spec?.containers ?? []),
    ...(spec?.initContainers ?? []).map((one) => ({ name: `${one.name} (init)` })),
  ].map(({ name }) => name);
  if (container === undefined || all.some((name) => name.split(" ")[0] === container)) return;
  throw new UsageError(
    `cannot attach to the container: container ${container} is not valid for pod ${metadata?.name ?? ""} out of: ${all.join(", ")}`,
  );
}

export const attach = defineCommand({
  usage: "attach [-i] [-t] (POD | TYPE/NAME) [-c CONTAINER]",
  flags: {
    container: { short: "c", kind: "text", help: "The container, where the pod has several" },
    stdin: { short: "i", kind: "bool", help: "Pass standard input to the container" },
    tty: { short: "t", kind: "bool", help: "Standard input is a terminal" },
    quiet: { short: "q", kind: "bool", help: "Only the container's own output" },
  } as const,
  run: async (kubectl, { flags, args }) => {
    const [word] = args;
    if (word === undefined) throw new UsageError("at least 1 argument is required for attach");
    if (args.length > 1) {
      throw new UsageError(
        `expected POD, TYPE/NAME, or TYPE NAME, (at most 2 arguments) saw ${args.length}: [${args.join(" ")}]`,
      );
    }
    const pod = await podOf(kubectl, word);
    const phase = pod.status?.phase ?? "";
    if (phase === "Succeeded" || phase === "Failed")
      throw new UsageError(
        `cannot attach a container in a completed pod; current phase is ${phase}`,
      );
    checkContainer(pod, flags.container);
    const container = containerOf(kubectl, pod, flags.container);
    return attachTo(kubectl, pod, { ...flags, container });
  },
});
