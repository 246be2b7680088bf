/** This terminal joined to a command in a container: exec, attach, run. */
import type { Pod } from "../../api/core/v1.ts";
import type { ExecStreams, Kubectl } from "./command.ts";

async function copyOutput(kubectl: Kubectl, streams: ExecStreams): Promise<void> {
  for await (const { stream, data } of streams.output) await kubectl.terminal.write(stream, data);
}

/** Ends by itself when the input does; otherwise left behind when the command ends. */
async function copyInput(kubectl: Kubectl, streams: ExecStreams): Promise<void> {
  for await (const data of kubectl.terminal.input) await streams.write(data);
  streams.closeStdin();
}

/** Whether -t can be honoured here; says so where it cannot. */
export function hasTerminal({ terminal }: Kubectl, isQuiet: boolean): boolean {
  if (!terminal.isTty && !isQuiet)
    terminal.err("Unable to use a TTY - input is not a terminal or the right kind of file\n");
  return terminal.isTty;
}

export interface Session {
  readonly stdin: boolean;
  readonly tty: boolean;
  /** What the subresource takes beside the streams: the container, the command. */
  readonly query: URLSearchParams;
}

/** Until the other side ends: the exit code. Rejects with what the server refuses. */
export async function runSession(
  kubectl: Kubectl,
  pod: Pod,
  subresource: "exec" | "attach",
  { stdin, tty, query }: Session,
): Promise<number> {
  for (const [name, isOn] of [
    ["stdin", stdin],
    ["stdout", true],
    ["stderr", !tty],
    ["tty", tty],
  ] as const) {
    if (isOn) query.set(name, "true");
  }
  const { name, namespace } = pod.metadata ?? {};
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/${subresource}?${query}`;
  const streams = await kubectl.openExec(path, kubectl.signal);
  const { terminal } = kubectl;
  using _raw = tty ? terminal.raw() : undefined;
  using _resize = tty ? terminal.onResize(() => streams.resize(terminal.size)) : undefined;
  if (tty) streams.resize(terminal.size);
  const output = copyOutput(kubectl, streams);
  if (stdin) copyInput(kubectl, streams).catch(() => streams.close());
  const exitCode = await streams.exitCode;
  await output;
  return exitCode;
}
