import type { ExecSyncRequest, ExecSyncResponse } from "../../api/cri/v1.ts";
import type { Process } from "../../api/oci/runtime.ts";
import type { Clock } from "../base/clock.ts";
import type { ExecSession } from "../oci/exec-contract.ts";
import type { Containers } from "./containers.ts";
import type { CriContext } from "./context.ts";
import { CriError, invalid } from "./cri-error.ts";
import type { ContainerRecord } from "./records.ts";

/** Of each stream; CRI asks for it (CVE-2022-1708). What comes after is read and dropped. */
const outputBytesMax = 16 * 1024 * 1024;
const sigkill = 9;
/** A child left in the background may hold the output open for ever: the rest is not waited for. */
const drainMsMax = 2_000;

/** A command in a container, its output and its exit code, without a streaming hop. */
export async function execSync(
  context: CriContext,
  containers: Containers,
  request: ExecSyncRequest,
  signal?: AbortSignal,
): Promise<ExecSyncResponse> {
  const { cmd = [], containerId = "", timeout = 0n } = request;
  if (cmd.length === 0) throw invalid("no command");
  const { record, pid } = containers.running(containerId);
  const process = execProcess(record, cmd, false);
  using session = await context.exec({ pid, spec: record.spec, process, stdin: false });
  const cause = new AbortController();
  const late = (): void => {
    const seconds = Number(timeout);
    cause.abort(new CriError("DEADLINE_EXCEEDED", `command ran longer than ${seconds} s`));
  };
  using _timer = timeout > 0n ? context.clock.after(Number(timeout) * 1000, late) : undefined;
  const ended = signal === undefined ? cause.signal : AbortSignal.any([cause.signal, signal]);
  const onEnd = (): void => session.signal(sigkill);
  ended.addEventListener("abort", onEnd, { once: true });
  try {
    const result = await collect(session, context.clock);
    ended.throwIfAborted();
    return result;
  } finally {
    ended.removeEventListener("abort", onEnd);
  }
}

/** The command has ended when its process has; what it wrote by then is read to the end. */
async function collect(session: ExecSession, clock: Clock): Promise<ExecSyncResponse> {
  const kept: Record<1 | 2, Uint8Array[]> = { 1: [], 2: [] };
  const sizes: Record<1 | 2, number> = { 1: 0, 2: 0 };
  const read = async (): Promise<void> => {
    for await (const { stream, data } of session.output) {
      const room = outputBytesMax - sizes[stream];
      if (room <= 0) continue;
      const piece = data.subarray(0, room);
      sizes[stream] += piece.length;
      kept[stream].push(piece);
    }
  };
  const reading = read();
  const exitCode = await session.exitCode;
  const drained = Promise.withResolvers<void>();
  using _timer = clock.after(drainMsMax, drained.resolve);
  await Promise.race([reading, drained.promise]);
  return { stdout: Buffer.concat(kept[1]), stderr: Buffer.concat(kept[2]), exitCode };
}

/** As the container's own process is, but for what it runs. */
export function execProcess(
  record: ContainerRecord,
  command: readonly string[],
  tty: boolean,
): Process {
  const own = record.spec.process;
  if (own === undefined) throw new Error(`container ${record.id} has no process`);
  const env = own.env ?? [];
  const hasTerm = env.some((variable) => variable.startsWith("TERM="));
  return {
    ...own,
    args: command,
    terminal: tty,
    env: tty && !hasTerm ? [...env, "TERM=xterm"] : env,
  };
}
