/** Bytes of exec and attach between a client's streams and a container's. */
import type { ExecRequest } from "../../api/cri/v1.ts";
import { chainOf } from "../base/errors.ts";
import type { RemoteStreams } from "../serving/streams-contract.ts";
import type { Containers } from "./containers.ts";
import type { CriContext } from "./context.ts";
import { execProcess } from "./exec-sync.ts";

/** What both kinds of session have at the container's end. */
interface Inside {
  readonly output: AsyncIterable<{ readonly stream: 1 | 2; readonly data: Uint8Array }>;
  write(data: Uint8Array): Promise<void>;
  closeStdin(): void;
}

type Size = { readonly width: number; readonly height: number };

/** Runs a command; it ends with the client's connection, as a remote shell does. */
export async function execSession(
  context: CriContext,
  containers: Containers,
  request: ExecRequest,
  remote: RemoteStreams,
): Promise<void> {
  const { containerId = "", cmd = [], tty = false, stdin = false } = request;
  try {
    const { record, pid } = containers.running(containerId);
    const process = execProcess(record, cmd, tty);
    using session = await context.exec({ pid, spec: record.spec, process, stdin });
    void pumpInput(remote, session);
    void pumpSizes(remote, (size) => session.resize(size));
    const output = pumpOutput(remote, session);
    const exitCode = await untilGone(remote, session.exitCode);
    if (exitCode === undefined) return;
    await output;
    await remote.finish({ exitCode });
  } catch (error) {
    await remote.finish({ failure: chainOf(error) });
  }
}

/** Follows a container's own process; the container lives on when the client goes. */
export async function attachSession(
  context: CriContext,
  containers: Containers,
  { id, tty }: { readonly id: string; readonly tty: boolean },
  remote: RemoteStreams,
): Promise<void> {
  try {
    const { record } = containers.running(id);
    const session = await context.supervisor.attach(record.id);
    try {
      void pumpInput(remote, session);
      if (tty) {
        void pumpSizes(remote, (size) => void resize(context, record.id, size));
      }
      const isEnded = await untilGone(
        remote,
        pumpOutput(remote, session).then(() => true),
      );
      if (isEnded === true) await remote.finish({ exitCode: 0 });
    } finally {
      session.close();
    }
  } catch (error) {
    await remote.finish({ failure: chainOf(error) });
  }
}

/** Undefined when the client has gone first. */
async function untilGone<T>(remote: RemoteStreams, work: Promise<T>): Promise<T | undefined> {
  const gone = new Promise<undefined>((resolve) => {
    if (remote.closed.aborted) resolve(undefined);
    remote.closed.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  return await Promise.race([work, gone]);
}

async function pumpOutput(remote: RemoteStreams, { output }: Inside): Promise<void> {
  for await (const { stream, data } of output) {
    if (stream === 1) await remote.writeStdout(data);
    else await remote.writeStderr(data);
  }
}

/** A process that does not read any more, or a client that has gone, ends it quietly. */
async function pumpInput(remote: RemoteStreams, inside: Inside): Promise<void> {
  try {
    for await (const data of remote.stdin) await inside.write(data);
    inside.closeStdin();
  } catch {
    // The session's own end tells the client.
  }
}

async function pumpSizes(remote: RemoteStreams, resize: (size: Size) => void): Promise<void> {
  try {
    for await (const size of remote.resizes) resize(size);
  } catch {
    // As above.
  }
}

async function resize(context: CriContext, id: string, size: Size): Promise<void> {
  await context.supervisor.resize(id, size).catch((error: unknown) => {
    context.logger.debug({ id, error: chainOf(error) }, "resize");
  });
}
